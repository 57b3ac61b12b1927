import { existsSync, readFileSync } from "node:fs";

/**
 * The group to which a supervisor that runs as root gives its socket and its pools: a system service is for the users who may use GPIO.
 * Null: this process is not root, or there is no group `gpio`.
 */
export function gpioGroup(): number | null {
  if (process.getuid?.() !== 0) return null;
  const groups = existsSync("/etc/group") ? readFileSync("/etc/group", "utf8") : "";
  const gid = /^gpio:[^:]*:(\d+):/m.exec(groups)?.[1];
  return gid === undefined ? null : Number(gid);
}
