import { closeSync, constants, openSync, readFileSync } from "node:fs";

/** Whether this process has a terminal that controls it. When that is closed, it has none any more before it gets SIGHUP (tty(4)). */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", constants.O_RDONLY | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}

/** Whether this process was started so that it outlives its terminal, as by nohup(1). To be asked before it listens to SIGHUP. */
export function ignoresHangup(): boolean {
  const [, ignored = "0"] = /^SigIgn:\s+([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return (BigInt(`0x${ignored}`) & 1n) !== 0n;
}
