import { readFileSync, statSync } from "node:fs";
import { release, userInfo } from "node:os";
import { connect } from "../client/connect.ts";
import { ChardevBackend } from "../gpio/chardev/chardev.ts";
import { libc } from "../gpio/chardev/libc.ts";
import { chipPaths, uapiVersion } from "../gpio/chardev/nodes.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ReplyOf } from "../protocol/replies.ts";
import { version } from "../version.ts";
import { accessRemedy } from "./access.ts";

/** Whether something is as it must be: `fail` keeps holdfast from working, `warn` does not. */
export type Verdict = "ok" | "warn" | "fail";

/** One thing that was looked at. */
export interface Finding {
  readonly subject: string;
  readonly verdict: Verdict;
  readonly finding: string;
  /** What to do, when something is not as it should be. */
  readonly remedy?: string;
}

/** The first kernel with version 2 of the GPIO interface. */
const OLDEST_KERNEL = [5, 10] as const;

/** How long a supervisor may take to answer, in ms. */
const PATIENCE_MS = 3000;

/** Variables by which the runtime within the executable can be made to do other things. */
const runtimeVariables = ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT", "BUN_JSC_useJIT"];

/** Looks at everything that holdfast needs. */
export async function examine(socket: string): Promise<Finding[]> {
  const supervisor = await ask(socket);
  return [executable(), kernel(release()), environment(process.env), ...chips(supervisor), socketFinding(socket, supervisor)];
}

function executable(): Finding {
  const finding = `holdfast ${version} for ${process.arch}`;
  if (process.arch === "x64" || process.arch === "arm64") return { subject: "executable", verdict: "ok", finding };
  return { subject: "executable", verdict: "fail", finding, remedy: "holdfast needs a 64-bit system: x64 or arm64" };
}

/** @param found what uname(2) calls the release */
export function kernel(found: string): Finding {
  const [major = 0, minor = 0] = found.split(/[.-]/).map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_KERNEL;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor))
    return { subject: "kernel", verdict: "ok", finding: `Linux ${found}` };
  return {
    subject: "kernel",
    verdict: "fail",
    finding: `Linux ${found} has no version 2 of the GPIO interface`,
    remedy: `Update to Linux ${oldestMajor}.${oldestMinor} or later: Raspberry Pi OS Bullseye, Debian 11, Ubuntu 22.04`,
  };
}

/** The environment, as far as it changes what the executable does. */
export function environment(variables: Readonly<Record<string, string | undefined>>): Finding {
  const set = runtimeVariables.filter((name) => variables[name] !== undefined);
  if (set.length === 0) return { subject: "environment", verdict: "ok", finding: "nothing changes what the executable does" };
  return {
    subject: "environment",
    verdict: "warn",
    finding: `${set.join(" and ")} change${set.length === 1 ? "s" : ""} what the executable does`,
    remedy: `unset ${set.join(" ")}`,
  };
}

function chips(supervisor: Answer): Finding[] {
  try {
    libc();
  } catch (error) {
    return [
      {
        subject: "chips",
        verdict: "fail",
        finding: (error as Error).message,
        remedy: "The kernel is called through memory that is written and run: no MemoryDenyWriteExecute=yes, LimitAS= or BUN_JSC_useJIT=0",
      },
    ];
  }
  const { usable, denied } = chipPaths();
  if (usable.length + denied.length === 0) {
    return [
      {
        subject: "chips",
        verdict: "warn",
        finding: "there is no /dev/gpiochip*, so `holdfast serve` simulates a 40-pin header",
        remedy: "In a container, pass the device in: --device /dev/gpiochip0; elsewhere the kernel needs the driver of a chip",
      },
    ];
  }
  return [...usableChips(usable), ...denied.map((path) => deniedChip(path, supervisor))];
}

function usableChips(paths: readonly string[]): Finding[] {
  if (paths.length === 0) return [];
  const backend = new ChardevBackend();
  const described = backend.chips();
  backend.close();
  return paths.map((path) => {
    const uapi = uapiVersion(path);
    const chip = described.find((candidate) => candidate.path === path);
    const finding = `${chip?.label ?? "a chip"}, ${chip?.lines.length ?? "?"} lines, GPIO interface version ${uapi}`;
    if (uapi === 2) return { subject: path, verdict: "ok", finding };
    return {
      subject: path,
      verdict: "fail",
      finding,
      remedy: "The kernel must be built with the GPIO interface version 2 (Linux 5.10 and later)",
    };
  });
}

/** A node that may not be opened is no harm to one who talks to a supervisor that may. */
function deniedChip(path: string, supervisor: Answer): Finding {
  if ("status" in supervisor && supervisor.status.backend !== "sim")
    return { subject: path, verdict: "ok", finding: "the supervisor may open it; this user need not" };
  return { subject: path, verdict: "fail", finding: "this user may not open it", remedy: remedyFor(path) };
}

type Answer = { readonly status: ReplyOf<"status"> } | { readonly error: HoldfastError };

async function ask(socket: string): Promise<Answer> {
  const tooLate = new Promise<Answer>((resolve) => {
    const error = new HoldfastError("DISCONNECTED", `what serves ${socket} does not answer`, { path: socket });
    setTimeout(() => resolve({ error }), PATIENCE_MS).unref();
  });
  return Promise.race([statusOf(socket), tooLate]);
}

async function statusOf(socket: string): Promise<Answer> {
  try {
    await using client = await connect({ socket, name: "holdfast doctor" });
    return { status: await client.status() };
  } catch (error) {
    return { error: HoldfastError.from(error) };
  }
}

function socketFinding(socket: string, answer: Answer): Finding {
  if ("error" in answer) return silence(socket, answer.error);
  const { status } = answer;
  const kind = status.backend === "sim" ? "simulated chips" : "the machine's chips";
  const finding = `${socket}: holdfast ${status.version} (pid ${status.pid}) answers, with ${kind}`;
  if (status.version === version) return { subject: "socket", verdict: "ok", finding };
  return { subject: "socket", verdict: "warn", finding, remedy: `This is holdfast ${version}: end the other and start this one` };
}

function silence(socket: string, { code, message }: HoldfastError): Finding {
  if (code === "NOT_RUNNING") {
    return {
      subject: "socket",
      verdict: "warn",
      finding: message,
      remedy: "Start one: holdfast serve; or name the socket that it serves: --socket PATH, HOLDFAST_SOCKET",
    };
  }
  const remedy =
    code === "PERMISSION_DENIED"
      ? remedyFor(socket)
      : "It hangs, or is another program, or another version of holdfast: `ss -xlp` names the process";
  return { subject: "socket", verdict: "fail", finding: `${code}: ${message}`, remedy };
}

function remedyFor(path: string): string {
  const { gid, mode } = statSync(path);
  const { username: name, uid } = userInfo();
  return accessRemedy({ path, gid, mode }, { name, uid, gids: process.getgroups?.() ?? [] }, readFileSync("/etc/group", "utf8"));
}
