/**
 * `bun bench/toggles/main.ts`: how often a second a line of a real kernel's GPIO character device is toggled, beside a program in C, in an
 * emulated machine: a User Mode Linux would make each system call cost many times as much.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boot } from "../../scripts/kernel/boot.ts";
import { run } from "../../scripts/kernel/debian.ts";
import { guests } from "../../scripts/kernel/guests.ts";
import type { GuestFile } from "../../scripts/kernel/initramfs.ts";
import { userLand } from "../../scripts/kernel/user-land.ts";
import { goal, row, whole } from "../report.ts";
import type { Toggles } from "./guest.ts";

/** What is to be reached, as a share of the rate in C. */
const TARGET = 0.5;
const LIMIT_MS = 10 * 60_000;
const GUEST = "x86_64";

const guest = guests[GUEST];
if (guest === undefined) throw new Error(`there is no guest ${GUEST}`);
const machine = await guest.prepare();
const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
try {
  const program = join(folder, "toggles");
  await run(["cc", "-O2", "-static", "-o", program, join(import.meta.dir, "toggles.c")], folder);
  const built = await Bun.build({ entrypoints: [join(import.meta.dir, "guest.ts")], target: "bun", outdir: folder });
  const script = built.outputs[0]?.path as string;
  const files: [string, GuestFile][] = [
    ["bin/bun", { from: process.execPath }],
    ["holdfast/guest.js", { from: script }],
    ["bin/toggles", { from: program, mode: 0o755 }],
  ];
  const command = "bun guest.js toggles >/report.xml";
  const { status, report } = await boot(machine, command, new Map([...(await userLand(guest.arch)), ...files]), LIMIT_MS);
  if (status !== 0) throw new Error("the guest's program has failed");
  const { c, set, wave }: Toggles = JSON.parse(report);
  console.log(
    [
      "Toggles a second of one line, in an emulated x86_64 machine",
      row("in C", "set", "by waves"),
      row(whole(c), whole(set), whole(wave)),
      "set: from one thread, one after the other; by waves: a wave that is too fast for its thread",
      "",
      goal("set / in C", (set / c).toFixed(2), set / c >= TARGET, `at least ${TARGET}`),
      goal("by waves / in C", (wave / c).toFixed(2), wave / c >= TARGET, `at least ${TARGET}`),
    ].join("\n"),
  );
} finally {
  rmSync(folder, { recursive: true });
}
