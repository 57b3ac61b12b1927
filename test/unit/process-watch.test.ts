import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { PidfdProcesses } from "../../src/processes/pidfd.ts";
import type { Processes } from "../../src/processes/processes.ts";
import { SimProcesses } from "../../src/processes/sim.ts";

/** More than the kernel gives to a process (pid_max is at most 2²²). */
const NOBODY = 2 ** 22 + 1;

interface Rig {
  readonly processes: Processes;
  begin(): Promise<number>;
  end(pid: number): Promise<void>;
  openHandles(): number;
}

function simulated(): Rig {
  const processes = new SimProcesses();
  let pid = 100;
  return {
    processes,
    begin: async () => {
      processes.start(++pid);
      return pid;
    },
    end: async (ended) => processes.end(ended),
    openHandles: () => processes.openHandles,
  };
}

const children = new Map<number, Bun.Subprocess>();

async function killed(pid: number): Promise<void> {
  const child = children.get(pid);
  child?.kill("SIGKILL");
  await child?.exited;
  children.delete(pid);
}

/** Descriptors of this process on others; the runtime has some on the children that it starts. */
function pidfds(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes("pidfd");
    } catch {
      return false;
    }
  }).length;
}

function real(): Rig {
  let before = 0;
  return {
    processes: new PidfdProcesses(),
    begin: async () => {
      const child = Bun.spawn(["sleep", "1000"]);
      children.set(child.pid, child);
      before = pidfds();
      return child.pid;
    },
    end: killed,
    openHandles: () => pidfds() - before,
  };
}

afterEach(async () => {
  for (const pid of [...children.keys()]) await killed(pid);
});

for (const [name, build] of [
  ["simulated processes", simulated],
  ["processes by their pidfd", real],
] as const) {
  describe(name, () => {
    test("one that runs has not ended until it has", async () => {
      const { processes, begin, end } = build();
      const pid = await begin();
      const handle = processes.watch(pid);
      expect(handle?.hasEnded()).toBe(false);
      expect(handle?.hasEnded()).toBe(false);
      await end(pid);
      expect(handle?.hasEnded()).toBe(true);
      handle?.close();
    });

    test("each handle is its own, and is closed once", async () => {
      const { processes, begin, openHandles } = build();
      const pid = await begin();
      const [one, other] = [processes.watch(pid), processes.watch(pid)];
      expect(openHandles()).toBe(2);
      one?.close();
      one?.close();
      expect(openHandles()).toBe(1);
      expect(other?.hasEnded()).toBe(false);
      other?.close();
      expect(openHandles()).toBe(0);
    });

    test("one that is not there has ended", () => {
      const handle = build().processes.watch(NOBODY);
      expect(handle?.hasEnded()).toBe(true);
      handle?.close();
    });

    test("what is no process's number can't be watched", () => {
      for (const pid of [0, -1, 1.5, Number.NaN]) expect(build().processes.watch(pid)).toBeNull();
    });
  });
}

test("a simulated process may take the number of another, which has ended for who watched it", () => {
  const processes = new SimProcesses();
  processes.start(7);
  const first = processes.watch(7);
  processes.start(7);
  expect([first?.hasEnded(), processes.watch(7)?.hasEnded()]).toEqual([true, false]);
});

test("a simulated process may be out of sight", () => {
  const processes = new SimProcesses();
  processes.start(7);
  processes.hide(7);
  expect(processes.watch(7)).toBeNull();
});

test("the library can be loaded where there is no FFI, and watches nobody there", async () => {
  const bundle = await Bun.build({
    entrypoints: [`${import.meta.dir}/../../src/processes/pidfd.ts`],
    target: "node",
    external: ["bun:ffi"],
  });
  const source = await bundle.outputs[0]?.text();
  const program = `${source}\nconsole.log(new PidfdProcesses().watch(process.pid));`;
  const node = Bun.spawnSync(["node", "--input-type=module", "-e", program]);
  expect([node.stdout.toString(), node.stderr.toString()]).toEqual(["null\n", ""]);
});
