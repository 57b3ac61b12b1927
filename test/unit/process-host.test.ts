import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RealClock } from "../../src/clock/real.ts";
import { ChildProcesses } from "../../src/processes/child-processes.ts";
import type { HostedProcess, ProcessHost, ProcessSpec } from "../../src/processes/process-host.ts";
import { statOf } from "../../src/processes/process-stat.ts";
import { SimProcessHost, type SimProgram } from "../../src/processes/sim-host.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";

/** What a process does, for a shell and for the simulator. */
const programs: Readonly<Record<string, { readonly script: string; readonly simulated: SimProgram }>> = {
  "ends with 3": { script: "exit 3", simulated: { runsMs: 0, status: 3 } },
  "waits to be ended": { script: "while :; do sleep 1000; done", simulated: {} },
  "does not listen": { script: "trap '' TERM; echo deaf; while :; do sleep 0.05; done", simulated: { endsMs: null } },
  "leaves another behind": { script: "sleep 1000 & exit 0", simulated: { runsMs: 0, othersEndMs: 0 } },
};

const open: Disposable[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each[Symbol.dispose]();
});

/** What a process tells, in order, and waits for it. */
class Follower {
  readonly told: string[] = [];
  readonly process: HostedProcess;
  output = "";
  #look = () => {};

  constructor(host: ProcessHost, spec: ProcessSpec) {
    const tell = (what: string) => {
      this.told.push(what);
      this.#look();
    };
    this.process = host.spawn(spec, {
      started: () => tell("started"),
      failed: ({ code }) => tell(code),
      output: (_, bytes) => {
        this.output += new TextDecoder().decode(bytes);
        this.#look();
      },
      exited: (exit) => tell(Object.values(exit).join()),
      gone: () => tell("gone"),
    });
    open.push({ [Symbol.dispose]: () => this.process.signal("SIGKILL") });
  }

  /** Waits until it has told so, or written it. */
  async until(what: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.told.includes(what) || this.output.includes(what)) resolve();
      };
      this.#look();
    });
  }
}

const shell = (script: string): ProcessSpec => ({ command: ["sh", "-c", script], environment: {} });

function realHost(environment: Readonly<Record<string, string | undefined>> = {}): ChildProcesses {
  const host = new ChildProcesses(environment);
  open.push({ [Symbol.dispose]: () => host.close() });
  return host;
}

const hosts: Readonly<Record<string, (program: string) => Follower>> = {
  "simulated processes": (program) =>
    new Follower(new SimProcessHost(new RealClock(), () => programs[program]?.simulated ?? {}), shell(program)),
  "child processes": (program) => new Follower(realHost(), shell(programs[program]?.script ?? "")),
};

for (const [name, begin] of Object.entries(hosts)) {
  describe(name, () => {
    test("one that ends by itself tells its status, and that nobody is left", async () => {
      const follower = begin("ends with 3");
      expect(follower.told).toEqual([]);
      await follower.until("gone");
      expect(follower.told).toEqual(["started", "3", "gone"]);
    });

    test("one that is asked to end does", async () => {
      const follower = begin("waits to be ended");
      await follower.until("started");
      follower.process.signal("SIGTERM");
      await follower.until("gone");
      expect(follower.told).toEqual(["started", "SIGTERM", "gone"]);
      follower.process.signal("SIGKILL");
    });

    test("one that does not listen is ended all the same", async () => {
      const follower = begin("does not listen");
      await follower.until(name === "child processes" ? "deaf" : "started");
      follower.process.signal("SIGTERM");
      follower.process.signal("SIGKILL");
      await follower.until("gone");
      expect(follower.told).toEqual(["started", "SIGKILL", "gone"]);
    });

    test("it is gone when those that it has started are", async () => {
      const follower = begin("leaves another behind");
      await follower.until("0");
      expect(follower.told).not.toContain("gone");
      follower.process.signal("SIGTERM");
      await follower.until("gone");
    });
  });
}

test("a process has its folder, its variables, and none that are the runtime's or that others are not to have", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  open.push({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) });
  process.env["BUN_OPTIONS"] = "--smol";
  const host = realHost({ HOLDFAST_SOCKET: "/run/s.sock", HOME: undefined });
  delete process.env["BUN_OPTIONS"];
  const script = 'echo "$PWD $HOLDFAST_SOCKET $MODEL [$HOME$BUN_OPTIONS]"; cat; echo end';
  const follower = new Follower(host, { ...shell(script), directory: folder, environment: { MODEL: "small one" } });
  await follower.until("gone");
  await follower.until("end");
  expect(follower.output).toBe(`${folder} /run/s.sock small one []\nend\n`);
});

test("a process leads a session and a group of its own, and inherits neither signals that are ignored nor descriptors", async () => {
  const follower = new Follower(realHost(), shell("cut -d' ' -f5,6 /proc/$$/stat; grep SigIgn /proc/$$/status; ls /proc/$$/fd; echo end"));
  await follower.until("end");
  const [ids, ignored, ...fds] = follower.output.trim().split("\n");
  expect(ids).toBe(`${follower.process.pid} ${follower.process.pid}`);
  // Signals 32 and 33 are the C library's own, and nobody can ask for them to be as they were (signal(7)).
  const ofLibrary = 0b11n << 31n;
  expect(BigInt(`0x${ignored?.split("\t")[1]}`) & ~ofLibrary).toBe(0n);
  expect(fds).toEqual(["0", "1", "2", "end"]);
});

test("all that a process has written is told before it is gone, also what it has said in a great hurry", async () => {
  const follower = new Follower(realHost(), shell("seq 150000; printf end"));
  await follower.until("gone");
  expect(follower.output).toEndWith("\n150000\nend");
  expect(follower.output.length).toBeGreaterThan(900_000);
});

/** Ends the guard of this process's processes. It has ended when this returns, and nobody here has been told yet. */
function killGuard(): void {
  for (const pid of readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean)) {
    if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("holdfast-guard")) continue;
    process.kill(Number(pid), "SIGKILL");
    while (!/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) Bun.sleepSync(1);
  }
}

test("a process starts also while its guard is being killed: the next one guards it", async () => {
  const host = realHost();
  await new Follower(host, shell("sleep 1000")).until("started");
  for (let round = 0; round < 5; round++) {
    killGuard();
    const followers = [1, 2, 3].map(() => new Follower(host, shell("sleep 1000")));
    for (const follower of followers) await follower.until("started");
  }
});

test("one that was stopped goes on to hear that it is to end", async () => {
  const follower = new Follower(realHost(), shell("trap 'echo parked; exit 0' TERM; echo ready; while :; do sleep 0.05; done"));
  await follower.until("ready");
  process.kill(-(follower.process.pid as number), "SIGSTOP");
  follower.process.signal("SIGTERM");
  await follower.until("gone");
  expect(follower.output).toContain("parked");
});

test("what the kernel does not start is named, and keeps nothing from being started after it", async () => {
  const host = realHost();
  try {
    host.spawn(shell(`: ${"x".repeat(1024 * 1024)}`), { started() {}, failed() {}, output() {}, exited() {}, gone() {} });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: "PROGRAM_MISSING" });
    expect((error as Error).message).toContain("the kernel starts no process");
  }
  await new Follower(host, shell("exit 0")).until("gone");
});

test("who has no descriptors left is told so, and goes on", async () => {
  const source = join(import.meta.dir, "../../src/processes/child-processes.ts");
  const program = `
    const { openSync } = await import("node:fs");
    const { ChildProcesses } = await import(${JSON.stringify(source)});
    const host = new ChildProcesses();
    try { for (;;) openSync("/dev/null", "r"); } catch {}
    const failed = ({ code, details }) => setTimeout(() => process.exit(code === "PROGRAM_MISSING" && details.isPassing ? 7 : 8), 10);
    host.spawn({ command: ["true"], environment: {} }, { failed });
  `;
  const limited = Bun.spawn(["sh", "-c", 'ulimit -n 128; exec "$@"', "limited", process.execPath, "-e", program], { stderr: "inherit" });
  expect(await limited.exited).toBe(7);
});

test("one that leaves the group keeps nobody from being gone", async () => {
  const follower = new Follower(realHost(), shell("setsid sh -c 'echo $$; exec sleep 1000' & exit 0"));
  await follower.until("\n");
  await follower.until("gone");
  process.kill(Number(follower.output), "SIGKILL");
});

/** A deaf process that has left the group of the shell that starts it; its number is written. */
const stray = `setsid sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done'`;

function lives(pid: number): boolean {
  return statOf(pid)?.isZombie === false;
}

test("where all are to end with it, one that leaves the group is asked to end, and then ended", async () => {
  const follower = new Follower(realHost(), { ...shell(`${stray} & exit 0`), isWhole: true });
  await follower.until("\n");
  await follower.until("0");
  const pid = Number(follower.output);
  follower.process.signal("SIGTERM");
  expect([lives(pid), follower.told]).toEqual([true, ["started", "0"]]);
  follower.process.signal("SIGKILL");
  await follower.until("gone");
  expect(lives(pid)).toBe(false);
});

test("where all are to end with it, one that is started when it is asked to end is asked, too", async () => {
  const late = "trap 'setsid sleep 1000 & echo $!; sleep 0.1; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
  const follower = new Follower(realHost(), { ...shell(late), isWhole: true });
  await follower.until("ready\n");
  follower.process.signal("SIGTERM");
  await follower.until("gone");
  const pid = Number(follower.output.split("\n")[1]);
  expect([pid > 0, lives(pid)]).toEqual([true, false]);
});

test("where all are to end with it, none outlives who has it started, either", async () => {
  const source = join(import.meta.dir, "../../src/processes/child-processes.ts");
  const program = `
    const { ChildProcesses } = await import(${JSON.stringify(source)});
    const listener = { started() {}, failed() {}, output: (_, bytes) => process.stdout.write(bytes), exited() {}, gone() {} };
    new ChildProcesses().spawn(${JSON.stringify({ ...shell(`${stray} & env -u HOLDFAST_FAMILY sleep 1000`), isWhole: true })}, listener);
  `;
  const parent = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  expect(lives(pid)).toBe(true);
  parent.kill("SIGKILL");
  while (lives(pid)) await Bun.sleep(5);
});

test("the group of a process is what it is heard by", async () => {
  const host = realHost();
  const follower = new Follower(host, shell("sh -c 'echo $$; sleep 1000' | cat"));
  await follower.until("\n");
  expect(host.groupOf(Number(follower.output))).toBe(follower.process.pid as number);
  expect(host.groupOf(2 ** 22 + 1)).toBeNull();
  expect(host.groupOf(process.pid)).not.toBe(follower.process.pid);
});

describe("what can't be run is named", () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  const plain = join(folder, "plain");
  writeFileSync(plain, "#!/bin/sh\n");
  chmodSync(plain, 0o644);
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const [spec, details, says] of [
    [
      { command: ["nobody-has-this"] },
      { program: "nobody-has-this" },
      'there is no program "nobody-has-this" in PATH, which is /bin:/usr/bin',
    ],
    [{ command: ["./plane"], directory: folder }, { program: "./plane" }, `there is no program ${folder}/plane`],
    [{ command: ["./plain"], directory: folder }, { program: "./plain", file: plain }, "it is not executable"],
    [{ command: [folder] }, { program: folder }, "there is no program"],
    [{ command: ["true"], directory: "/nowhere" }, { directory: "/nowhere" }, "the folder /nowhere is not there"],
    [{ command: ["true"], directory: plain }, { directory: plain }, "is not there"],
  ] as const) {
    test(`${spec.command[0]} in ${"directory" in spec ? spec.directory : "the same folder"}`, () => {
      const listener = { started() {}, failed() {}, output() {}, exited() {}, gone() {} };
      try {
        realHost({ PATH: "/bin:/usr/bin" }).spawn({ ...spec, environment: {} }, listener);
        throw new Error("it was started");
      } catch (error) {
        expect(error).toBeInstanceOf(HoldfastError);
        expect(error).toMatchObject({ code: "PROGRAM_MISSING", details });
        expect((error as Error).message).toContain(says);
      }
    });
  }
});

test("a process that writes faster than it may waits", async () => {
  const follower = new Follower(realHost(), { command: ["yes"], environment: {} });
  await follower.until("y");
  const written = () => Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${follower.process.pid}/io`, "utf8"))?.[1]);
  while (written() < 1024 * 1024) await Bun.sleep(5);
  // What it is ahead of its reader is in its pipe.
  expect(written() - follower.output.length).toBeLessThan(1024 * 1024);
  expect(follower.output.length).toBeLessThan(2 * 1024 * 1024);
});
