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

/**
 * The command that lets a user open what is denied.
 * @param groups the contents of /etc/group
 */
export function accessRemedy({ path, gid, mode }: Denied, { name, uid, gids }: User, groups: string): string {
  if (uid === 0) return `root is refused too, so a container or a security module is in the way: pass ${path} in, as with --device ${path}`;
  const group = groups
    .split("\n")
    .map((line) => line.split(":"))
    .find(([, , id]) => id === String(gid));
  const [groupName, , , members = ""] = group ?? [];
  if (groupName === undefined || gid === 0 || (mode & GROUP_READ_WRITE) !== GROUP_READ_WRITE) {
    const join = `sudo usermod -aG gpio ${name}, then log in again`;
    return path.startsWith("/dev/")
      ? `${udevRule} && ${join}`
      : `Only its owner may use it: the supervisor must give it to a group that ${name} is in`;
  }
  if (gids.includes(gid))
    return `${name} is in the group ${groupName} that ${path} belongs to, and yet refused: a security module is in the way`;
  if (members.split(",").includes(name))
    return `${name} is in the group ${groupName} since after this session began: log in again, or newgrp ${groupName}`;
  return `sudo usermod -aG ${groupName} ${name}, then log in again`;
}
