/** A device node or socket that this user may not open. */
export interface Denied {
  readonly path: string;
  readonly gid: number;
  readonly mode: number;
}

/** Who wants to open it. */
export interface User {
  readonly name: string;
  readonly uid: number;
  /** The groups of this session. */
  readonly gids: readonly number[];
}

/** Reading and writing, for the group. */
const GROUP_READ_WRITE = 0o060;

/** Gives the nodes of GPIO chips to the group gpio, now and after each start. */
const udevRule =
  `sudo groupadd -f gpio && echo 'SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"' | ` +
  "sudo tee /etc/udev/rules.d/60-gpio.rules && sudo udevadm control --reload && sudo udevadm trigger -s gpio";

/** A group of this system. */
export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The group of that name. @param groups the contents of /etc/group */
export function groupNamed(name: string, groups: string): Group | undefined {
  return parse(groups).find((group) => group.name === name);
}

/** How a user comes into a group. */
export function joinRemedy(user: string, { name, members }: Group): string {
  if (members.includes(user)) return `${user} has joined the group ${name} after this session began: log in again, or newgrp ${name}`;
  return `sudo usermod -aG ${name} ${user}, then log in again`;
}

/**
 * What lets a user open what is denied.
 * @param groups the contents of /etc/group
 */
export function accessRemedy({ path, gid, mode }: Denied, { name, uid, gids }: User, groups: string): string {
  if (uid === 0) return `root is refused too, so a container or a security module is in the way: pass ${path} in, as with --device ${path}`;
  const group = parse(groups).find((candidate) => candidate.gid === gid);
  if (group === undefined || gid === 0 || (mode & GROUP_READ_WRITE) !== GROUP_READ_WRITE) {
    if (path.startsWith("/dev/")) return `${udevRule} && sudo usermod -aG gpio ${name}, then log in again`;
    return `Only its owner may use it: the supervisor must give it to a group that ${name} is in`;
  }
  if (gids.includes(gid)) return `${name} is in its group ${group.name} and is refused all the same: a security module is in the way`;
  return joinRemedy(name, group);
}

function parse(groups: string): Group[] {
  return groups
    .split("\n")
    .map((line) => line.split(":"))
    .map(([name = "", , gid = "", members = ""]) => ({ name, gid: Number(gid), members: members.split(",") }));
}
