import { existsSync, readFileSync } from "node:fs";

/** Who there is on this machine: the numbers of users and groups by their names; null where there is none of that name. */
export interface Accounts {
  uidOf(user: string): number | null;
  gidOf(group: string): number | null;
}

/** Those of /etc/passwd and /etc/group (passwd(5), group(5)). Accounts of a directory service are not in there, and have their numbers. */
export const systemAccounts: Accounts = {
  uidOf: (user) => numberOf(user, "/etc/passwd"),
  gidOf: (group) => numberOf(group, "/etc/group"),
};

/** Both files have a name, a password and a number first in each line. */
function numberOf(name: string, file: string): number | null {
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const [, , number] = lines.map((line) => line.split(":")).find(([known]) => known === name) ?? [];
  return number === undefined ? null : Number(number);
}
