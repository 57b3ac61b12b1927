import { readFileSync } from "node:fs";
import { threadsCpuUs } from "../proc.ts";

/** A process and all that it has started (/proc/PID/task/TID/children, which needs CONFIG_PROC_CHILDREN). */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return [pid, ...(children === "" ? [] : children.split(" ").flatMap((child) => family(Number(child))))];
}

/** What a process and all that it has started have used of the processors so far, in µs. */
export function familyCpuUs(pid: number): number {
  return family(pid).reduce((sum, member) => sum + threadsCpuUs(member), 0);
}

/** Ends a process and all that it has started: children of a killed one would stay. */
export function killFamily(pid: number): void {
  for (const member of family(pid)) process.kill(member, "SIGKILL");
}
