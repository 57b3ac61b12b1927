import { expect, test } from "bun:test";
import { World } from "../../src/index-testing.ts";
import type { SimProcess, SimProgram } from "../../src/processes/sim-host.ts";
import { fullAccess } from "../../src/protocol/access.ts";
import type { ProcessTable } from "../../src/protocol/process-table.ts";

const command = ["program"];

interface Stage {
  readonly world: World;
  /** Asks as an operator. */
  readonly ask: ReturnType<World["join"]>["ask"];
  /** The processes of this name that were started, in order. */
  starts(name: string): readonly SimProcess[];
  state(name: string): string | undefined;
}

/** A supervisor that has just been started with these processes. */
async function stageOf(
  tables: Readonly<Record<string, Partial<ProcessTable>>>,
  programs: Readonly<Record<string, SimProgram>> = {},
  options: { readonly drainMs?: number } = {},
): Promise<Stage> {
  const world = new World({
    ...options,
    processes: Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, { command, ...table }])),
    programOf: ({ environment }) => programs[environment["HOLDFAST_PROCESS"] as string] ?? {},
  });
  const client = world.join("operator");
  world.supervisor.processes.startAll();
  await world.pass(0);
  return {
    world,
    ask: (asked) => client.ask(asked),
    starts: (name) => world.host.started.filter(({ spec }) => spec.environment["HOLDFAST_PROCESS"] === name),
    state: (name) => world.supervisor.status().processes.find(({ process }) => process === name)?.state,
  };
}

test("a process runs from the start on, with its own variables", async () => {
  const { starts, state } = await stageOf({ algo: { environment: { MODEL: "small" }, directory: "/srv" } });
  expect(state("algo")).toBe("running");
  expect(starts("algo").map(({ spec }) => spec)).toEqual([
    { command, directory: "/srv", environment: { MODEL: "small", HOLDFAST_PROCESS: "algo" } },
  ]);
});

test("one that is not to run from the start on is started when it is asked for", async () => {
  const { world, ask, starts, state } = await stageOf({ algo: { autostart: false } });
  expect([state("algo"), starts("algo").length]).toEqual(["stopped", 0]);
  const started = ask({ op: "process.start", process: "algo" });
  await world.pass(0);
  expect(started.body).toMatchObject({ process: "algo", state: "running", pid: starts("algo")[0]?.pid });
});

for (const [restart, status, state] of [
  ["always", 0, "backoff"],
  ["always", 1, "backoff"],
  ["on-failure", 0, "done"],
  ["on-failure", 1, "backoff"],
  ["never", 0, "done"],
  ["never", 1, "failed"],
] as const) {
  test(`one with restart ${restart} that ends with status ${status} is ${state}`, async () => {
    const stage = await stageOf({ algo: { restart } });
    stage.starts("algo")[0]?.end({ status });
    await stage.world.pass(0);
    expect(stage.state("algo")).toBe(state);
    await stage.world.pass(3_600_000);
    expect(stage.starts("algo").length).toBe(state === "backoff" ? 2 : 1);
  });
}

test("pauses double up to the longest, and after so many restarts within the window it has failed", async () => {
  const { world, starts, state } = await stageOf(
    { algo: { backoffMs: 100, maxBackoffMs: 250, restartLimit: 4, restartWindowMs: 10_000 } },
    { algo: { runsMs: 0, status: 7 } },
  );
  const beganMs = world.clock.nowUs() / 1000;
  const at: number[] = [];
  let seen = 1;
  await world.pass(5000, () => {
    if (starts("algo").length > seen) at.push(world.clock.nowUs() / 1000 - beganMs);
    seen = starts("algo").length;
  });
  expect(at).toEqual([100, 300, 550, 800]);
  expect(state("algo")).toBe("failed");
  expect(world.supervisor.status().processes[0]).toMatchObject({ restarts: 4, starts: 5, end: { reason: "exited", status: 7 } });
});

test("restarts that are long ago do not count, and the pause is the first one again", async () => {
  const { world, starts } = await stageOf({ algo: { backoffMs: 100, restartLimit: 1, restartWindowMs: 1000 } });
  for (let round = 1; round < 5; round++) {
    starts("algo").at(-1)?.end({ signal: "SIGSEGV" });
    await world.pass(100);
    expect(starts("algo").length).toBe(round + 1);
    await world.pass(1000);
  }
});

test("one that has failed starts anew when it is asked for", async () => {
  const { world, ask, starts, state } = await stageOf({ algo: { restartLimit: 0 } });
  starts("algo")[0]?.end({ status: 1 });
  await world.pass(0);
  expect(state("algo")).toBe("failed");
  ask({ op: "process.start", process: "algo" });
  await world.pass(0);
  expect([state("algo"), world.supervisor.status().processes[0]?.end]).toEqual(["running", null]);
});

test("a start that comes to nothing is refused with how it ended", async () => {
  const { world, ask } = await stageOf({ algo: { autostart: false, heartbeatMs: 100 } }, { algo: { runsMs: 10, status: 3 } });
  const started = ask({ op: "process.start", process: "algo" });
  await world.pass(9);
  expect(started.outcome).toBe("pending");
  await world.pass(1);
  expect(started.error?.toValue()).toMatchObject({
    code: "PROCESS_FAILED",
    message: "process algo has ended with status 3",
    field: "process",
    state: "backoff",
    end: { reason: "exited", status: 3 },
  });
});

test("a program that is not there is named, is no reason for another try, and keeps no other process", async () => {
  const { world, ask, state, starts } = await stageOf({ algo: {}, other: {} }, { algo: { missing: true } });
  expect([state("algo"), state("other")]).toEqual(["failed", "running"]);
  const started = ask({ op: "process.start", process: "algo" });
  await world.pass(100_000);
  expect(started.error?.toValue()).toMatchObject({ code: "PROGRAM_MISSING", program: "program", process: "algo" });
  expect(starts("algo")).toEqual([]);
});

test("where the kernel starts no process now, it is asked again after a pause, until it does or has been asked too often", async () => {
  const programs: Record<string, SimProgram> = { algo: { lacks: "descriptors" }, other: { lacks: "memory" } };
  const { world, ask, state, starts } = await stageOf({ algo: { backoffMs: 100 }, other: { restartLimit: 2 }, third: {} }, programs);
  expect([state("algo"), state("other"), state("third")]).toEqual(["backoff", "backoff", "running"]);
  const started = ask({ op: "process.start", process: "algo" });
  await world.pass(0);
  expect(started.error?.toValue()).toMatchObject({
    code: "PROCESS_FAILED",
    message: "process algo could not be started: the kernel has no descriptors left",
    state: "backoff",
    end: { reason: "unstartable" },
  });
  programs["algo"] = {};
  await world.pass(100);
  expect([state("algo"), starts("algo").length]).toEqual(["running", 1]);
  await world.pass(60_000);
  expect([state("other"), starts("other").length]).toEqual(["failed", 0]);
});

test("a connection that an ended process has left to a daemon is no sign of life of the next one", async () => {
  const { world, starts, state } = await stageOf({ algo: { heartbeatMs: 100, startMs: 300, backoffMs: 10 } });
  const daemon = world.join("algo", starts("algo")[0]?.pid);
  expect(state("algo")).toBe("running");
  starts("algo")[0]?.end({ status: 1 });
  await world.pass(10);
  expect([state("algo"), starts("algo").length]).toEqual(["starting", 2]);
  world.join("algo", starts("algo")[1]?.pid);
  expect(state("algo")).toBe("running");
  for (let times = 0; times < 8; times++) {
    await world.pass(20);
    daemon.ask({ op: "ping" });
  }
  expect(starts("algo")[1]?.hasEnded).toBe(true);
});

test("stop asks, waits for the grace, and then ends it", async () => {
  const { world, ask, starts, state } = await stageOf({ algo: { graceMs: 500 } }, { algo: { endsMs: null } });
  const stopped = ask({ op: "process.stop", process: "algo" });
  await world.pass(499);
  expect([state("algo"), stopped.outcome, starts("algo")[0]?.signals]).toEqual(["stopping", "pending", ["SIGTERM"]]);
  await world.pass(1);
  expect([state("algo"), stopped.body.state, starts("algo")[0]?.signals]).toEqual(["stopped", "stopped", ["SIGTERM", "SIGKILL"]]);
  await world.pass(100_000);
  expect(starts("algo").length).toBe(1);
});

test("a hard stop does not wait, not even behind a soft one", async () => {
  const { world, ask, starts } = await stageOf({ algo: {} }, { algo: { endsMs: null } });
  const soft = ask({ op: "process.stop", process: "algo" });
  const hard = ask({ op: "process.stop", process: "algo", hard: true });
  await world.pass(0);
  expect([soft.body.state, hard.body.state, starts("algo")[0]?.signals]).toEqual(["stopped", "stopped", ["SIGTERM", "SIGKILL"]]);
});

test("a process has ended when all that it has started has", async () => {
  const { world, ask, state } = await stageOf({ algo: { graceMs: 1000 } }, { algo: { othersEndMs: 300 } });
  const stopped = ask({ op: "process.stop", process: "algo" });
  await world.pass(299);
  expect([state("algo"), stopped.outcome]).toEqual(["stopping", "pending"]);
  await world.pass(1);
  expect(stopped.body.state).toBe("stopped");
});

test("when a process crashes, those that it has started are ended before it is started again", async () => {
  const { world, starts } = await stageOf({ algo: { graceMs: 200, backoffMs: 1 } }, { algo: { othersEndMs: null } });
  starts("algo")[0]?.end({ status: 1 });
  await world.pass(199);
  expect([starts("algo").length, starts("algo")[0]?.signals]).toEqual([1, ["SIGTERM"]]);
  await world.pass(2);
  expect([starts("algo").length, starts("algo")[0]?.signals]).toEqual([2, ["SIGTERM", "SIGKILL"]]);
});

test("restart ends it first, and is answered when it runs again", async () => {
  const { world, ask, starts } = await stageOf({ algo: {} }, { algo: { endsMs: 50 } });
  const [first] = starts("algo");
  const restarted = ask({ op: "process.restart", process: "algo" });
  await world.pass(49);
  expect([restarted.outcome, starts("algo").length]).toEqual(["pending", 1]);
  await world.pass(1);
  expect(restarted.body.pid).not.toBe(first?.pid as number);
  expect(first?.isGone).toBe(true);
});

test("who is started after others waits until they run", async () => {
  const { world, starts, state } = await stageOf({ algo: { after: ["camera", "setup"] }, camera: { heartbeatMs: 1000 }, setup: {} });
  expect(world.supervisor.status().processes[0]).toMatchObject({ state: "waiting", waitsFor: ["camera"] });
  await world.pass(500);
  expect(state("algo")).toBe("waiting");
  world.join("camera", starts("camera")[0]?.pid);
  await world.pass(0);
  expect([state("camera"), state("algo")]).toEqual(["running", "running"]);
});

test("work that is done well is there for who is started after it", async () => {
  const { world, ask, state } = await stageOf(
    { setup: { autostart: false }, algo: { after: ["setup"], autostart: false } },
    { setup: { runsMs: 0 } },
  );
  ask({ op: "process.start", process: "setup" });
  await world.pass(1);
  ask({ op: "process.start", process: "algo" });
  await world.pass(0);
  expect([state("setup"), state("algo")]).toEqual(["done", "running"]);
});

test("to start a process starts what it needs; what can't come is told", async () => {
  const { world, ask, state } = await stageOf(
    {
      algo: { after: ["camera"], autostart: false },
      camera: { autostart: false },
      late: { after: ["broken"], autostart: false },
      broken: { autostart: false },
    },
    { broken: { missing: true } },
  );
  const started = ask({ op: "process.start", process: "algo" });
  const late = ask({ op: "process.start", process: "late" });
  await world.pass(0);
  expect([started.body.state, state("camera")]).toEqual(["running", "running"]);
  expect(late.error?.message).toBe("process late waits for broken, which could not be started: there is no such program");
});

test("one that ends leaves those that were started after it alone", async () => {
  const { world, ask, state } = await stageOf({ camera: {}, algo: { after: ["camera"] } });
  ask({ op: "process.stop", process: "camera" });
  await world.pass(0);
  expect([state("camera"), state("algo")]).toEqual(["stopped", "running"]);
});

test("a process that must be heard runs from its first connection on, and is ended and started again when it is silent", async () => {
  const { world, starts, state } = await stageOf({ algo: { heartbeatMs: 100, backoffMs: 10 } });
  expect(state("algo")).toBe("starting");
  const client = world.join("algo", starts("algo")[0]?.pid);
  expect(state("algo")).toBe("running");
  for (let beat = 0; beat < 5; beat++) {
    await world.pass(99);
    client.ask({ op: "ping" });
  }
  await world.pass(99);
  expect(state("algo")).toBe("running");
  await world.pass(1);
  expect(world.supervisor.status().processes[0]).toMatchObject({ state: "backoff", end: { reason: "silent" } });
  await world.pass(10);
  expect(starts("algo").length).toBe(2);
});

test("what a library sends by itself is no sign of life, and what others send is none of this process", async () => {
  const { world, starts, state } = await stageOf({ algo: { heartbeatMs: 100 } });
  const client = world.join("algo", starts("algo")[0]?.pid);
  const other = world.join("other", 77);
  await world.pass(60);
  client.ask({ op: "ping", link: true });
  other.ask({ op: "ping" });
  await world.pass(40);
  expect(state("algo")).toBe("backoff");
});

test("a request over a connection that has ended counts from when it was sent", async () => {
  const { world, starts, state } = await stageOf({ algo: { heartbeatMs: 100 } });
  const client = world.join("algo", starts("algo")[0]?.pid);
  await world.pass(90);
  client.ask({ op: "ping" });
  client.leave();
  await world.pass(99);
  expect(state("algo")).toBe("running");
  await world.pass(1);
  expect(state("algo")).toBe("backoff");
});

test("one that is not heard in time after its start is ended", async () => {
  const { world, state } = await stageOf({ algo: { heartbeatMs: 100, startMs: 300 } });
  await world.pass(299);
  expect(state("algo")).toBe("starting");
  await world.pass(1);
  expect(world.supervisor.status().processes[0]).toMatchObject({ state: "backoff", end: { reason: "silent" } });
});

test("a shutdown ends processes before pins, each before those that it was started after", async () => {
  const { world, starts, state } = await stageOf(
    { camera: {}, algo: { after: ["camera"] } },
    { algo: { endsMs: 100 }, camera: { endsMs: 100 } },
  );
  const client = world.join("algo", starts("algo")[0]?.pid);
  client.ask({ op: "open", pin: "GPIO17", direction: "out", initial: 1 });
  world.supervisor.shutdown();
  await world.pass(50);
  expect([state("algo"), state("camera"), world.shown("GPIO17")?.state]).toEqual(["stopping", "running", "on"]);
  expect(client.ask({ op: "on", pin: "GPIO17", durationMs: 200 }).outcome).toBe("ok");
  expect(client.ask({ op: "process.start", process: "camera" }).outcome).toBe("SHUTTING_DOWN");
  await world.pass(50);
  expect([state("algo"), state("camera")]).toEqual(["stopped", "stopping"]);
  await world.pass(99);
  expect(world.supervisor.state).toBe("draining");
  await world.pass(51);
  expect([world.stopped, world.host.living]).toEqual([true, []]);
});

test("nothing is started again in a shutdown, and its deadline ends them at once", async () => {
  const { world, starts } = await stageOf(
    { algo: { graceMs: 60_000 }, crash: { backoffMs: 10 } },
    { algo: { endsMs: null } },
    { drainMs: 500 },
  );
  starts("crash")[0]?.end({ status: 1 });
  await world.pass(0);
  world.supervisor.shutdown();
  await world.pass(499);
  expect([world.stopped, starts("crash").length]).toEqual([false, 1]);
  await world.pass(1);
  expect([world.stopped, world.host.living, world.clock.pending]).toEqual([true, [], 0]);
});

test("one without a process of that name is told those that there are", async () => {
  const { ask } = await stageOf({ algo: {}, camera: {} });
  const { error } = ask({ op: "process.stop", process: "camra" });
  expect(error?.toValue()).toEqual({
    code: "PROCESS_UNKNOWN",
    message: 'there is no process "camra"; did you mean camera?',
    field: "process",
    known: ["algo", "camera"],
  });
});

test("only operators see processes, and start and stop them", async () => {
  const { world } = await stageOf({ algo: {} });
  const access = () => ({ ...fullAccess, rules: ["guests"], admin: false });
  const guest = world.welcome("guest", { access });
  expect([guest.ask({ op: "processes" }).body.processes, guest.ask({ op: "status" }).body.processes]).toEqual([[], []]);
  for (const op of ["process.start", "process.stop", "process.restart"] as const) {
    expect(guest.ask({ op, process: "algo" }).outcome).toBe("FORBIDDEN");
  }
});

test("one that somebody has stopped, and that has yet to end, is not started by a new configuration", async () => {
  const { world, ask, starts, state } = await stageOf({ algo: {} }, { algo: { endsMs: 50 } });
  ask({ op: "process.stop", process: "algo" });
  world.supervisor.processes.reconfigured({ algo: { command: ["other"] } })();
  await world.pass(100);
  expect([state("algo"), starts("algo").length]).toEqual(["stopped", 1]);
});

test("a new configuration ends who is not in it, starts who is new, replaces who has changed, and leaves all others alone", async () => {
  const { world, starts, state } = await stageOf(
    { same: { backoffMs: 100 }, gone: {}, changed: {}, idle: { autostart: false } },
    { changed: { endsMs: 50 } },
  );
  const tables = {
    same: { command, backoffMs: 100, restart: "on-failure" as const },
    changed: { command, environment: { MODEL: "large" } },
    idle: { command: ["other"] },
    added: { command, after: ["changed"] },
  };
  world.supervisor.processes.reconfigured(tables)();
  const late = world.join("operator").ask({ op: "process.start", process: "changed" });
  await world.pass(49);
  expect([state("same"), state("gone"), state("changed"), state("idle"), state("added")]).toEqual([
    "running",
    undefined,
    "stopping",
    "stopped",
    "waiting",
  ]);
  await world.pass(1);
  expect([state("changed"), state("added"), late.outcome]).toEqual(["running", "running", "ok"]);
  expect(starts("changed").at(-1)?.spec.environment["MODEL"]).toBe("large");
  expect([starts("same").length, starts("idle").length, starts("gone")[0]?.isGone]).toEqual([1, 0, true]);
});
