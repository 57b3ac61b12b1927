import { join } from "node:path";
import type { Played, Shape } from "./shapes.ts";

/** Debian's own, since gpiozero is a package of Debian's. */
const PYTHON = "/usr/bin/python3";
/** What the thread of waves asks for. */
const PRIORITY = 10;

/** Plays a wave for so many ms. */
export type PlayPeer = (shape: Shape, forMs: number) => Promise<Played>;

/** A thread in C. Null where there is no compiler. @param folder where its program is to be */
export async function threadInC(folder: string): Promise<{ readonly normal: PlayPeer; readonly realTime: PlayPeer | null } | null> {
  const program = join(folder, "deadlines");
  if (!(await succeeds("cc", "-O2", "-pthread", "-o", program, join(import.meta.dir, "deadlines.c")))) return null;
  const play =
    (priority: number): PlayPeer =>
    ({ periodUs, onUs }, forMs) =>
      playedBy(program, ...[periodUs * 1000, onUs * 1000, forMs * 1e6, priority].map((value) => value.toFixed(0)));
  const mayBeRealTime = await succeeds(program, "1", "1", "0", String(PRIORITY));
  return { normal: play(0), realTime: mayBeRealTime ? play(PRIORITY) : null };
}

/** gpiozero's own thread, its version too. Null where it is not installed and this process may not install it. */
export async function gpiozero(): Promise<{ readonly version: string; readonly play: PlayPeer } | null> {
  const ask = [PYTHON, "-c", "import importlib.metadata, gpiozero; print(importlib.metadata.version('gpiozero'))"] as const;
  if (!(await succeeds(...ask))) await installGpiozero();
  if (!(await succeeds(...ask))) return null;
  const play: PlayPeer = ({ periodUs, onUs }, forMs) =>
    playedBy(PYTHON, join(import.meta.dir, "gpiozero_blink.py"), ...[onUs / 1e6, (periodUs - onUs) / 1e6, forMs / 1000].map(String));
  return { version: (await printed(...ask)).trim(), play };
}

async function installGpiozero(): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const installed =
    (await succeeds("apt-get", "update", "-qq")) &&
    (await succeeds("apt-get", "install", "-qq", "--no-install-recommends", "python3-gpiozero"));
  if (!installed) console.error("python3-gpiozero could not be installed");
}

async function playedBy(...command: readonly string[]): Promise<Played> {
  const lines = (await printed(...command)).trim().split("\n");
  return lines.map((ns) => Number(ns) / 1000);
}

async function printed(...command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { env: quiet, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} has failed`);
  return text;
}

async function succeeds(...command: readonly string[]): Promise<boolean> {
  try {
    return (await Bun.spawn([...command], { env: quiet, stdio: ["ignore", "ignore", "ignore"] }).exited) === 0;
  } catch {
    return false;
  }
}

const quiet = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", DEBIAN_FRONTEND: "noninteractive" };
