import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RealClock } from "../../src/clock/real.ts";
import { ChildProcesses } from "../../src/processes/child-processes.ts";
import type { HostedProcess, ProcessHost, ProcessSpec } from "../../src/processes/process-host.ts";
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
  expect(ignored).toMatch(/\t0+$/);
  expect(fds).toEqual(["0", "1", "2", "end"]);
});

test("all that a process has written is told before it is gone, also what it has said in a great hurry", async () => {
  const follower = new Follower(realHost(), shell("seq 150000; printf end"));
  await follower.until("gone");
  expect(follower.output).toEndWith("\n150000\nend");
  expect(follower.output.length).toBeGreaterThan(900_000);
});

test("one that leaves the group keeps nobody from being gone", async () => {
  const follower = new Follower(realHost(), shell("setsid sh -c 'echo $$; exec sleep 1000' & exit 0"));
  await follower.until("\n");
  await follower.until("gone");
  process.kill(Number(follower.output), "SIGKILL");
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
