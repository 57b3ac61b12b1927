import { accessSync, existsSync, constants as fsConstants, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readConfig } from "../config/read-config.ts";
import { formatBytes } from "../frames/bytes-in-words.ts";
import { DEFAULT_FOLDER } from "../frames/folder.ts";
import { formatOf } from "../frames/format.ts";
import { type FoundFile, poolFilesIn } from "../frames/found-files.ts";
import { fileLayout } from "../frames/layout.ts";
import { type Room, roomIn } from "../frames/room.ts";
import type { ReplyOf } from "../protocol/replies.ts";
import type { Finding } from "./findings.ts";

/** A pool that people have: a camera's pictures without compression. */
const USUAL = formatOf({ slots: 6, fourcc: "BGR3", width: 1920, height: 1080 });
const USUAL_SLOTS = 6;

/** Users below it are the system's: systemd-logind leaves their shared memory alone (login.defs, SYS_UID_MAX). */
const FIRST_ORDINARY_UID = 1000;

/** The user as whom a supervisor makes files. */
export interface Owner {
  readonly name: string;
  readonly uid: number;
}

/** What is asked of a supervisor that answers. */
export type Serving = Pick<ReplyOf<"status">, "pid" | "pools">;

/**
 * Looks at the shared memory that pools need.
 * @param self who asks
 * @param supervisor the one that answers; null: none does, and `self` may start one
 * @param configPath of the configuration file, unless it is the default one
 */
export async function frameFindings(self: Owner, supervisor: Serving | null, configPath?: string): Promise<Finding[]> {
  let folder: string;
  try {
    const { config } = await readConfig(configPath);
    folder = folderOf(supervisor) ?? config.frames.directory ?? DEFAULT_FOLDER;
  } catch {
    // What is wrong with the configuration is found elsewhere.
    return [];
  }
  const uid = supervisor === null ? self.uid : uidOf(supervisor.pid);
  const owner = uid === self.uid ? self : { uid, name: nameOf(uid, readFileSync("/etc/passwd", "utf8")) };
  try {
    // What another user's supervisor may do with the folder, it says itself when it makes a pool.
    if (owner === self) accessSync(folder, fsConstants.W_OK | fsConstants.X_OK);
    return [roomFinding(folder, roomIn(folder)), leftoversFinding(folder, poolFilesIn(folder)), ...removalFindings(folder, owner)];
  } catch (error) {
    const remedy = "Pools of frames need it. Name another folder in holdfast.toml: [frames] directory";
    return [{ subject: folder, verdict: "warn", finding: `no pool can be made there: ${(error as Error).message}`, remedy }];
  }
}

/** Where a supervisor has its pools: it may have been told otherwise than the file says now. Null: it has none. */
export function folderOf(supervisor: Serving | null): string | null {
  const [pool] = supervisor?.pools ?? [];
  return pool === undefined ? null : dirname(pool.layout.path);
}

/** Who a process runs as, by its folder in /proc; root where that can't be told. */
function uidOf(pid: number): number {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? 0;
}

/** @param known the text of passwd(5) */
function nameOf(uid: number, known: string): string {
  return new RegExp(`^([^:]+):[^:]*:${uid}:`, "m").exec(known)?.[1] ?? String(uid);
}

/** Whether there is room for a usual pool. */
export function roomFinding(folder: string, { has, freeBytes }: Room): Finding {
  const finding = `${has} ${formatBytes(freeBytes)} free for pools of frames`;
  const { fileBytes } = fileLayout(USUAL_SLOTS, USUAL.bytes);
  if (freeBytes >= fileBytes) return { subject: folder, verdict: "ok", finding };
  return {
    subject: folder,
    verdict: "warn",
    finding: `${finding}; ${USUAL_SLOTS} pictures of ${USUAL.width}x${USUAL.height} without compression take ${formatBytes(fileBytes)}`,
    remedy:
      "Fewer or smaller slots, or more memory: docker run --shm-size, MemoryMax= of the service, the size= of the tmpfs in /etc/fstab",
  };
}

/** Whether supervisors that have ended left files. */
export function leftoversFinding(folder: string, files: readonly FoundFile[]): Finding {
  const left = files.filter(({ supervisor }) => supervisor === "ended");
  if (left.length > 0) {
    return {
      subject: folder,
      verdict: "warn",
      finding: `${listed(left)} left by a supervisor that has been killed`,
      remedy: "The next `holdfast serve` that uses this folder removes them",
    };
  }
  const unknown = files.filter(({ supervisor }) => supervisor === "unknown");
  if (unknown.length > 0) {
    return {
      subject: folder,
      verdict: "warn",
      finding: `${listed(unknown)} of a supervisor that can't be seen from here, as in another container`,
      remedy: `If none runs there any more: rm ${unknown.map(({ path }) => path).join(" ")}`,
    };
  }
  return { subject: folder, verdict: "ok", finding: "nothing was left there by a supervisor that has been killed" };
}

function listed(files: readonly FoundFile[]): string {
  const bytes = files.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  return `${files.length === 1 ? "a file" : `${files.length} files`} of ${formatBytes(bytes)}`;
}

function removalFindings(folder: string, owner: Owner): Finding[] {
  // The folder is what logind itself is known by (sd-login(3)).
  if (!existsSync("/run/systemd/seats")) return [];
  const lingers = existsSync(join("/var/lib/systemd/linger", owner.name));
  return removalFinding(folder, owner, lingers, removesIpc(logindSettings()));
}

/**
 * Whether systemd-logind deletes the files when their owner logs out.
 * @param lingers whether it takes the owner for logged in even then
 * @param removes what `RemoveIPC` says
 */
export function removalFinding(folder: string, { name, uid }: Owner, lingers: boolean, removes: boolean): Finding[] {
  // It walks through /dev/shm and nothing else.
  if (uid < FIRST_ORDINARY_UID || !`${folder}/`.startsWith("/dev/shm/")) return [];
  if (!removes || lingers) return [{ subject: "logout", verdict: "ok", finding: "pools stay when their owner logs out" }];
  return [
    {
      subject: "logout",
      verdict: "warn",
      finding: `systemd-logind deletes what ${name} has in /dev/shm when ${name} logs out (RemoveIPC): the supervisor then gives every pool a new file`,
      remedy: `Run it as a system service; or sudo loginctl enable-linger ${name}; or RemoveIPC=no in /etc/systemd/logind.conf`,
    },
  ];
}

/** What logind does by its settings, the last of which counts; by default it removes. */
export function removesIpc(settings: readonly string[]): boolean {
  let removes = true;
  for (const [, value = ""] of settings.join("\n").matchAll(/^\s*RemoveIPC\s*=\s*(\w*)\s*$/gm)) {
    removes = !/^(0|no|n|false|f|off)$/i.test(value);
  }
  return removes;
}

/** Where systemd looks for its settings: a file hides those of its name in the places after it. */
const places = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];

/** The texts of logind's settings, in the order in which they count (logind.conf(5)). */
function logindSettings(): string[] {
  const main = places.map((place) => join(place, "logind.conf")).find((path) => existsSync(path));
  const dropIns = new Map<string, string>();
  for (const place of [...places].reverse()) {
    for (const name of listOf(join(place, "logind.conf.d"))) dropIns.set(name, join(place, "logind.conf.d", name));
  }
  const ordered = [...dropIns.keys()].sort().map((name) => dropIns.get(name) as string);
  return [...(main === undefined ? [] : [main]), ...ordered].map((path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  });
}

function listOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".conf")) : [];
}
