import { readFileSync, statSync } from "node:fs";
import { release, userInfo } from "node:os";
import { addressInWords } from "../client/address.ts";
import { connectToFirst } from "../client/connect.ts";
import { ChardevBackend } from "../gpio/chardev/chardev.ts";
import { libc } from "../gpio/chardev/libc.ts";
import { chipPaths, uapiVersion } from "../gpio/chardev/nodes.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ReplyOf } from "../protocol/replies.ts";
import { version } from "../version.ts";
import { accessRemedy, groupNamed, joinRemedy, type User } from "./access.ts";
import { configFindings } from "./config-findings.ts";
import type { Destination } from "./destination.ts";
import { noAnswerRemedy } from "./failure.ts";
import { frameFindings } from "./frame-findings.ts";
import { networkFindings } from "./network-findings.ts";
import { pwmFindings } from "./pwm-findings.ts";

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

/**
 * Looks at everything that holdfast needs.
 * @param destination where a supervisor may answer
 * @param config the configuration file, unless it is the default one
 */
export async function examine(destination: Destination, config?: string): Promise<Finding[]> {
  const supervisor = await ask(destination);
  // What one on another machine may do there says nothing of this one.
  const here: Answer = "isHere" in supervisor && !supervisor.isHere ? { error: elsewhere() } : supervisor;
  return [
    executable(),
    kernel(release()),
    environment(process.env),
    membership(user(), groups()),
    ...chips(here),
    ...(await configFindings({ backend: "auto", ...(config !== undefined && { config }) }, "status" in here)),
    ...(await pwmFindings("status" in here && here.status.backend !== "sim", config)),
    ...(await frameFindings(user(), "status" in here ? here.status : null, config)),
    socketFinding(supervisor),
    ...(await networkFindings(config)),
    ...("status" in supervisor ? waveFinding(supervisor.status) : []),
  ];
}

/** Whether a supervisor answers. */
export async function answersAt(destination: Destination): Promise<boolean> {
  return "status" in (await ask(destination));
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
  return [...usable.map(usableChip), ...denied.map((path) => deniedChip(path, supervisor))];
}

function usableChip(path: string): Finding {
  try {
    const uapi = uapiVersion(path);
    if (uapi !== 2) {
      const remedy = "The kernel must be built with version 2 of the GPIO interface (Linux 5.10 and later)";
      return { subject: path, verdict: "fail", finding: `the kernel speaks version ${uapi} of the GPIO interface`, remedy };
    }
    const backend = new ChardevBackend();
    const chip = backend.chips().find((candidate) => candidate.path === path);
    backend.close();
    return { subject: path, verdict: "ok", finding: `${chip?.label}, ${chip?.lines.length} lines, version ${uapi} of the GPIO interface` };
  } catch (error) {
    return {
      subject: path,
      verdict: "fail",
      finding: (error as Error).message,
      remedy: "What the kernel says about it: dmesg | grep -i gpio",
    };
  }
}

/** A node that may not be opened is no harm to one who talks to a supervisor that may. */
function deniedChip(path: string, supervisor: Answer): Finding {
  if ("status" in supervisor && supervisor.status.backend !== "sim")
    return { subject: path, verdict: "ok", finding: "the supervisor may open it; this user need not" };
  return { subject: path, verdict: "fail", finding: "this user may not open it", remedy: remedyFor(path) };
}

type Answer = { readonly status: ReplyOf<"status">; readonly place: string; readonly isHere: boolean } | { readonly error: HoldfastError };

function elsewhere(): HoldfastError {
  return new HoldfastError("NOT_RUNNING", "the supervisor is on another machine");
}

async function ask(destination: Destination): Promise<Answer> {
  const tooLate = new Promise<Answer>((resolve) => {
    const error = new HoldfastError(
      "DISCONNECTED",
      `what serves ${destination.addresses.map(addressInWords).join(" or ")} does not answer`,
    );
    setTimeout(() => resolve({ error }), PATIENCE_MS).unref();
  });
  return Promise.race([statusOf(destination), tooLate]);
}

async function statusOf({ addresses, credentials }: Destination): Promise<Answer> {
  try {
    const { client, address } = await connectToFirst(addresses, { name: "holdfast doctor", ...credentials });
    await using asking = client;
    return { status: await asking.status(), place: addressInWords(address), isHere: address.kind === "unix" };
  } catch (error) {
    return { error: HoldfastError.from(error) };
  }
}

function socketFinding(answer: Answer): Finding {
  if ("error" in answer) return silence(answer.error);
  const { status, place } = answer;
  const kind = status.backend === "sim" ? "simulated chips" : "the machine's chips";
  if (status.state !== "running") {
    const finding = `${place}: holdfast ${status.version} (pid ${status.pid}) is ${status.state}, and opens no more pins`;
    return { subject: "socket", verdict: "warn", finding, remedy: "Start another when it has ended: holdfast serve" };
  }
  const finding = `${place}: holdfast ${status.version} (pid ${status.pid}) answers, with ${kind}`;
  if (status.version === version) return { subject: "socket", verdict: "ok", finding };
  return { subject: "socket", verdict: "warn", finding, remedy: `This is holdfast ${version}: end the other and start this one` };
}

/** How the supervisor's waves are played; nothing, where no thread plays any. */
export function waveFinding({ waves }: Pick<ReplyOf<"status">, "waves">): Finding[] {
  if (waves === null) return [];
  if (waves === "real-time") return [{ subject: "waves", verdict: "ok", finding: "the kernel runs them before other work" }];
  const remedy = "For more exact edges give the supervisor real-time scheduling: LimitRTPRIO=10 in its systemd unit";
  return [{ subject: "waves", verdict: "ok", finding: "the kernel runs them beside other work", remedy }];
}

function silence(error: HoldfastError): Finding {
  const { code, message, details } = error;
  if (code === "NOT_RUNNING") return { subject: "socket", verdict: "warn", finding: message, remedy: noAnswerRemedy(error) };
  const remedy = silenceRemedy(code, String(details["path"]));
  return { subject: "socket", verdict: "fail", finding: `${code}: ${message}`, remedy };
}

function silenceRemedy(code: string, path: string): string {
  if (code === "PERMISSION_DENIED") return remedyFor(path);
  if (code === "LIMIT_CLIENTS") return "End some of its clients, which `ss -xp` names; to allow more: holdfast serve --limit clients=1024";
  if (code === "TLS_FAILED")
    return "Name who has signed its certificate: --ca PEM, HOLDFAST_CA; or that certificate alone: HOLDFAST_FINGERPRINT";
  if (code === "FORBIDDEN") return "Its tables [access.NAME] say who may connect; a token comes from --token-file PATH, or HOLDFAST_TOKEN";
  if (code === "SOCKET_PATH") return "Choose another: --socket PATH, or HOLDFAST_SOCKET";
  return "It is stopped, or hangs, or is another program, or another version of holdfast: `ss -xlp` names the process";
}

function remedyFor(path: string): string {
  const { gid, mode } = statSync(path);
  return accessRemedy({ path, gid, mode }, user(), groups());
}

/** Who may use GPIO where a group of that name is for it, as in Raspberry Pi OS; the socket of a system service is theirs too. */
export function membership({ name, uid, gids }: User, known: string): Finding {
  const gpio = groupNamed("gpio", known);
  if (uid === 0) return { subject: "user", verdict: "ok", finding: "root may open everything" };
  if (gpio === undefined) return { subject: "user", verdict: "ok", finding: `${name}; this system has no group gpio` };
  if (gids.includes(gpio.gid)) return { subject: "user", verdict: "ok", finding: `${name} is in the group gpio` };
  return { subject: "user", verdict: "warn", finding: `${name} is not in the group gpio`, remedy: joinRemedy(name, gpio) };
}

function user(): User {
  const uid = process.getuid?.() ?? 0;
  return { name: nameOf(uid), uid, gids: process.getgroups?.() ?? [] };
}

/** A user without an entry in /etc/passwd, as in many containers, has only a number. */
function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return `${uid}`;
  }
}

function groups(): string {
  return readFileSync("/etc/group", "utf8");
}
