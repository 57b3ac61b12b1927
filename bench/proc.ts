import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks of /proc per second: USER_HZ, which is 100 on all that runs Linux and Bun. */
const TICKS_PER_SECOND = 100;

/** What a process and its threads have used of the processors so far, in µs, to 10 ms (proc_pid_stat(5)). */
export function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return ((user + system) * 1e6) / TICKS_PER_SECOND;
}

/**
 * The same to a ns, for measurements of a second and less. Threads that end meanwhile are missing, and a kernel without
 * CONFIG_SCHED_INFO tells nothing: 0 (/proc/PID/task/TID/schedstat).
 */
export function threadsCpuUs(pid: number): number {
  let sumUs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      sumUs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1000;
    } catch {
      // It has just ended.
    }
  }
  return sumUs;
}

/** The memory of a process: all that is resident, and the part that no file backs (proc_pid_status(5)). */
export function memory(pid: number): { readonly residentMb: number; readonly anonymousMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (field: string) => (Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024) / 1e6;
  return { residentMb: megabytes("VmRSS"), anonymousMb: megabytes("RssAnon") };
}
