import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { GuestMachine } from "./guests.ts";
import { type GuestFile, type GuestFiles, writeInitramfs } from "./initramfs.ts";

/** How the command that a guest ran has ended. */
export interface Ended {
  readonly status: number;
  /** What it has left in /report.xml. */
  readonly report: string;
}

/** What `init` prints behind the command's output. */
const REPORT_MARK = "@@REPORT@@";
const STATUS_MARK = /^@@STATUS (\d+)@@$/;

/**
 * Starts a machine that runs a command in the folder /holdfast, shows what that prints, and waits for its end.
 * @param command as a shell takes it
 * @param files all that the command needs
 * @param limitMs the longest that it may run
 * @throws Error when the machine ends without having said how its command ended
 */
export async function boot(guest: GuestMachine, command: string, files: GuestFiles, limitMs: number): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-guest-"));
  try {
    await writeInitramfs(join(folder, "initramfs"), new Map([...files, ...firstFiles(guest, command)]));
    // A machine must not outlive this process, however that ends.
    const machine = Bun.spawn(["setpriv", "--pdeathsig", "KILL", ...guest.command], {
      cwd: folder,
      env: { PATH: process.env["PATH"] },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    const errors = machine.stderr.text();
    const ended = await relay(machine.stdout);
    if ((await machine.exited) === 0 && ended !== null) return ended;
    const why = machine.signalCode === "SIGKILL" ? `did not end within ${limitMs / 1000} s` : "ended early";
    throw new Error(`the guest ${why}\n${await errors}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the first process needs: itself, the modules in their order, and the command. */
function firstFiles({ modules }: GuestMachine, command: string): [string, GuestFile][] {
  return [
    ["init", { from: join(import.meta.dir, "init"), mode: 0o755 }],
    ["command", { text: `${command}\n` }],
    ...modules.map((from, index): [string, GuestFile] => [`modules/${String(index).padStart(2, "0")}-${basename(from)}`, { from }]),
  ];
}

/** Shows what comes from the console up to the report, and returns what comes behind it. */
async function relay(console: ReadableStream<Uint8Array>): Promise<Ended | null> {
  const decoder = new TextDecoder();
  let report: string[] | null = null;
  let status: number | null = null;
  let rest = "";
  for await (const bytes of console) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.map((line) => line.replace(/\r+$/, ""))) {
      const found = STATUS_MARK.exec(line)?.[1];
      if (found !== undefined) status = Number(found);
      else if (line === REPORT_MARK) report = [];
      else if (report === null) process.stdout.write(`${line}\n`);
      else if (status === null) report.push(line);
    }
  }
  return status === null ? null : { status, report: report?.join("\n") ?? "" };
}
