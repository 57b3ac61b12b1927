import { expect, test } from "bun:test";
import type { ActorsTable } from "../../src/protocol/actors-table.ts";
import type { UserActorInfo } from "../../src/protocol/replies.ts";
import { World } from "../../src/testing/world.ts";
import { type SimActor, SimActorFolder, type SimThread } from "../properties/sim-actors.ts";

interface Stage {
  readonly world: World;
  readonly folder: SimActorFolder;
  readonly ask: ReturnType<World["join"]>["ask"];
  info(name: string): UserActorInfo | undefined;
  /** The threads that were made for a file, in order. */
  threads(file: string): readonly SimThread[];
}

/** A supervisor that has just been started with these actors. */
async function stageOf(actors: Readonly<Record<string, SimActor>>, settings: ActorsTable = {}): Promise<Stage> {
  const folder = new SimActorFolder(actors);
  const world = new World({ actors: folder.parts(settings) });
  const client = world.join("operator");
  world.supervisor.actors.startAll();
  await world.pass(0);
  return {
    world,
    folder,
    ask: (asked) => client.ask(asked),
    info: (name) => world.supervisor.status().actors.find(({ actor }) => actor === name),
    threads: (file) => folder.host.threads.filter((thread) => thread.file === `/actors/${file}`),
  };
}

/** Time passes, and all that is asked is answered: what an actor does before it runs takes some turns. */
async function pass({ world }: Pick<Stage, "world">, ms: number): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await world.pass(0);
  await world.pass(ms);
  for (let turn = 0; turn < 5; turn++) await world.pass(0);
}

/** Who is connected as an actor. */
function clients({ world }: Stage): string[] {
  return world.supervisor
    .status()
    .clients.filter(({ transport, state }) => transport === "actor" && state === "connected")
    .map(({ name }) => name);
}

test("every file is an actor, which is a client of the supervisor with pins of its own", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 0 } }, "light.js": {} });
  expect(stage.info("door")).toMatchObject({ state: "running", file: "/actors/door.ts", starts: 1, end: null });
  expect(stage.info("light")?.state).toBe("running");
  expect(stage.world.shown("GPIO17")).toMatchObject({ state: "on", holders: [{ name: "door" }] });
});

test("one that runs is shown by its machine's state, from the first moment on", async () => {
  const seen: (string | undefined)[] = [];
  const look = () => {
    const [shown] = stage.ask({ op: "actors", address: "actor/door" }).body.actors;
    seen.push(`${stage.info("door")?.state}: ${shown?.state}`);
  };
  const stage = await stageOf({ "door.ts": { loads: 1, described: () => look() } });
  await pass(stage, 1);
  look();
  expect(seen).toEqual(["starting: starting", "running: on"]);
});

test("one that fails is told with its place, its pins are closed softly, and it is started again", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 50 } }, "light.js": { pins: { GPIO4: 0 } } }, { backoffMs: 1000 });
  stage.threads("door.ts")[0]?.fail({ code: "ACTOR_FAILED", message: "no such key", file: "/actors/door.ts", line: 7, column: 3 });
  await pass(stage, 1);
  expect(stage.info("door")).toMatchObject({
    state: "backoff",
    end: { reason: "failed", message: "no such key", file: "/actors/door.ts", line: 7, column: 3 },
  });
  expect(clients(stage)).toEqual(["light"]);
  expect(stage.world.shown("GPIO17")?.state).toBe("closing");
  await pass(stage, 100);
  expect(stage.world.shown("GPIO17")).toBeUndefined();
  await pass(stage, 1000);
  expect(stage.info("door")).toMatchObject({ state: "running", starts: 2, restarts: 1 });
  expect(stage.info("light")).toMatchObject({ state: "running", starts: 1 });
  expect(stage.world.shown("GPIO4")?.state).toBe("on");
});

test("one that blocks its thread is ended at once, without a grace, and started again", async () => {
  const stage = await stageOf(
    { "door.ts": { pins: { GPIO17: 0 }, runsMs: 500, after: "blocks" } },
    { blockedMs: 1000, backoffMs: 400, maxBackoffMs: 400 },
  );
  await pass(stage, 1350);
  expect(stage.info("door")?.state).toBe("running");
  await pass(stage, 200);
  expect(stage.info("door")).toMatchObject({ state: "backoff", end: { reason: "blocked", code: "ACTOR_FAILED" } });
  expect(stage.threads("door.ts")[0]?.orders).toEqual(["kill"]);
  expect(stage.world.shown("GPIO17")).toBeUndefined();
  await pass(stage, 400);
  expect(stage.info("door")).toMatchObject({ state: "running", starts: 2 });
});

test("one that loops for ever while it is loaded is ended as well, and keeps nobody else from running", async () => {
  const stage = await stageOf({ "a.ts": { loads: "blocks" }, "door.ts": {} }, { blockedMs: 1000, restart: "never" });
  await pass(stage, 1001);
  expect(stage.info("a")).toMatchObject({ state: "failed", end: { reason: "blocked" } });
  expect(stage.info("door")?.state).toBe("running");
  expect(stage.folder.host.living.length).toBe(1);
});

test("what has become of one that could not tell it is told in its own words, once", async () => {
  const stage = await stageOf({ "door.ts": { runsMs: 10, after: "goes" } }, { restart: "never" });
  await pass(stage, 20);
  expect(stage.info("door")?.end).toEqual({ reason: "failed", code: "ACTOR_FAILED", message: "has lost its thread" });
  const logged = stage.world.defects.join();
  expect(logged).toContain("reason: 'has lost its thread'");
  expect(logged).not.toContain("state:");
});

test("one that waits for ever while it is loaded has failed after a while", async () => {
  const stage = await stageOf({ "a.ts": { loads: "waits" } }, { restart: "never" });
  await pass(stage, 29_000);
  expect(stage.info("a")?.state).toBe("starting");
  await pass(stage, 1001);
  expect(stage.info("a")).toMatchObject({ state: "failed", end: { reason: "failed", code: "ACTOR_FAILED" } });
});

test("one that waits while it is loaded keeps the others waiting for its name, but not for ever", async () => {
  const stage = await stageOf({ "a.ts": { loads: "waits" }, "door.ts": {} });
  await pass(stage, 2000);
  expect(stage.info("door")?.state).toBe("starting");
  await pass(stage, 2000);
  expect([stage.info("a")?.state, stage.info("door")?.state]).toEqual(["starting", "running"]);
});

test("what is no actor is not tried again, and the others start", async () => {
  const refusal = { code: "BAD_ACTOR", message: "Expected ;", file: "/actors/a.ts", line: 2, column: 9 };
  const stage = await stageOf({ "a.ts": { refusal }, "door.ts": {} });
  await pass(stage, 100_000);
  expect(stage.info("a")).toMatchObject({
    state: "failed",
    starts: 1,
    end: { reason: "unstartable", code: "BAD_ACTOR", line: 2, column: 9 },
  });
  expect(stage.info("door")?.state).toBe("running");
});

test("nor is one that finds out only when it runs that it is none, until its file is another", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 0 } } }, { restart: "always" });
  stage.threads("door.ts")[0]?.fail({ code: "BAD_ACTOR", message: "open: debounceUs: is for inputs", declared: "relay" });
  await pass(stage, 100_000);
  expect(stage.info("door")).toMatchObject({ state: "failed", starts: 1, end: { reason: "unstartable", code: "BAD_ACTOR" } });
  expect(stage.world.shown("GPIO17")).toBeUndefined();
  stage.folder.write("door.ts", {});
  const reloaded = stage.ask({ op: "reload" });
  await pass(stage, 1);
  expect([reloaded.outcome, stage.info("door")?.state]).toEqual(["ok", "running"]);
});

test("one whose file is called what no actor can be has an address all the same, at which that is told", async () => {
  const stage = await stageOf({ "my door.ts": {}, "__proto__.ts": {}, "door.ts": {} });
  stage.ask({ op: "trace" });
  const observed = stage.ask({ op: "observe", address: "actor/door" });
  await pass(stage, 100);
  expect(observed.outcome).toBe("ok");
  expect(stage.ask({ op: "actors", address: "actor/my_door" }).body.actors).toMatchObject([{ address: "actor/my_door", state: "failed" }]);
  expect(stage.info("my_door")).toMatchObject({ state: "failed", end: { code: "BAD_ACTOR", file: "/actors/my door.ts" } });
  expect(stage.info("my_door")?.end?.message).toContain('"my door" is no name for an actor');
  expect(stage.info("x__proto__")?.state).toBe("failed");
});

test("of two with one name the first in the folder has it, however slowly it loads", async () => {
  const stage = await stageOf({ "a.ts": { name: "door", loads: 300 }, "b.ts": { name: "door" }, "door.ts": {} });
  await pass(stage, 400);
  expect(stage.info("door")).toMatchObject({ state: "running", file: "/actors/a.ts" });
  expect(stage.info("b")).toMatchObject({ state: "failed", end: { code: "BAD_ACTOR", file: "/actors/b.ts" } });
  expect(stage.info("door.ts")).toMatchObject({ state: "failed", end: { code: "BAD_ACTOR" } });
  expect(stage.info("b")?.end?.message).toContain('there is an actor "door" already, of /actors/a.ts');
});

test("one whose pin another client holds fails by name, and has it when that has gone", async () => {
  const stage = await stageOf({}, { backoffMs: 1000 });
  const other = stage.world.join("conveyor");
  other.ask({ op: "open", pin: "GPIO17", direction: "out" });
  stage.folder.write("door.ts", { pins: { GPIO17: 0 } });
  const reloaded = stage.ask({ op: "reload" });
  await pass(stage, 1);
  expect(reloaded.outcome).toBe("ok");
  expect(stage.info("door")).toMatchObject({ state: "backoff", end: { reason: "failed", code: "PIN_BUSY" } });
  other.leave();
  await pass(stage, 1000);
  expect(stage.info("door")?.state).toBe("running");
});

test("one that has lost its thread has failed", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 0 }, runsMs: 10, after: "goes" } }, { restart: "never" });
  await pass(stage, 20);
  expect(stage.info("door")).toMatchObject({ state: "failed", end: { reason: "failed" } });
  expect(clients(stage)).toEqual([]);
  expect(stage.world.shown("GPIO17")).toBeUndefined();
});

test("one that is done is not started again", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 0 }, runsMs: 10, after: "done" } });
  await pass(stage, 100_000);
  expect(stage.info("door")).toMatchObject({ state: "done", starts: 1, end: { reason: "done" } });
  expect(stage.world.shown("GPIO17")).toBeUndefined();
});

test("it can be stopped, started and started again", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 0 }, endsMs: 20 } });
  const stopped = stage.ask({ op: "actor.stop", actor: "door" });
  await pass(stage, 10);
  expect(stopped.outcome).toBe("pending");
  await pass(stage, 10);
  expect(stopped.body).toMatchObject({ actor: "door", state: "stopped" });
  expect(stage.world.shown("GPIO17")).toBeUndefined();
  const started = stage.ask({ op: "actor.start", actor: "door" });
  await pass(stage, 0);
  expect(started.body).toMatchObject({ state: "running", starts: 2 });
  const restarted = stage.ask({ op: "actor.restart", actor: "door" });
  await pass(stage, 30);
  expect(restarted.body).toMatchObject({ state: "running", starts: 3, restarts: 0 });
  const unknown = stage.ask({ op: "actor.start", actor: "dor" });
  expect(unknown.error?.details).toMatchObject({ field: "actor", nearest: ["door"] });
});

test("one that does not listen when it is to end is ended after its grace", async () => {
  const stage = await stageOf({ "door.ts": { endsMs: null } }, { graceMs: 300 });
  const stopped = stage.ask({ op: "actor.stop", actor: "door" });
  await pass(stage, 299);
  expect(stopped.outcome).toBe("pending");
  await pass(stage, 2);
  expect(stopped.body).toMatchObject({ state: "stopped" });
  expect(stage.threads("door.ts")[0]?.orders).toEqual(["stop", "kill"]);
});

test("one that is stopped while it loads is not started", async () => {
  const stage = await stageOf({ "door.ts": { loads: 1000, pins: { GPIO17: 0 } } });
  const stopped = stage.ask({ op: "actor.stop", actor: "door" });
  await pass(stage, 0);
  expect(stopped.body).toMatchObject({ state: "stopped" });
  await pass(stage, 2000);
  expect([stage.info("door")?.state, stage.folder.host.living.length]).toEqual(["stopped", 0]);
});

test("a changed file is loaded beside the actor that runs, which then makes room", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 50 }, endsMs: 30 }, "light.ts": {} });
  stage.folder.write("door.ts", { pins: { GPIO17: 0 }, loads: 100 });
  const reloaded = stage.ask({ op: "reload" });
  await pass(stage, 99);
  expect(stage.threads("door.ts").map(({ isRunning }) => isRunning)).toEqual([true, false]);
  await pass(stage, 1);
  expect(reloaded.outcome).toBe("ok");
  expect(stage.threads("door.ts").map(({ orders }) => orders)).toEqual([["stop"], []]);
  await pass(stage, 30);
  expect(stage.info("door")).toMatchObject({ state: "running", starts: 2 });
  expect(stage.threads("door.ts").map(({ isGone }) => isGone)).toEqual([true, false]);
  expect(stage.threads("light.ts").length).toBe(1);
  expect(stage.world.shown("GPIO17")?.holders.map(({ name }) => name)).toEqual(["door"]);
});

test("so is one of which a file that it imports has changed", async () => {
  const stage = await stageOf({ "door.ts": { imports: ["/actors/lib/a.ts"] }, "light.ts": { imports: ["/actors/lib/b.ts"] } });
  stage.folder.write("lib/a.ts", {});
  stage.ask({ op: "reload" });
  await pass(stage, 1);
  expect([stage.threads("door.ts").length, stage.threads("light.ts").length]).toEqual([2, 1]);
});

test("a broken edit leaves what runs running, and whoever has it reloaded is told", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 0 } } });
  const refusal = { code: "BAD_ACTOR", message: "Expected ;", file: "/actors/door.ts", line: 2 };
  stage.folder.write("door.ts", { refusal });
  const reloaded = stage.ask({ op: "reload" });
  await pass(stage, 1);
  expect(reloaded.error).toMatchObject({ code: "BAD_ACTOR", details: { file: "/actors/door.ts", line: 2, actor: "door" } });
  expect(stage.info("door")).toMatchObject({ state: "running", starts: 1 });
  expect(stage.world.shown("GPIO17")?.state).toBe("on");
  stage.folder.write("door.ts", {});
  const again = stage.ask({ op: "reload" });
  await pass(stage, 1);
  expect([again.outcome, stage.info("door")?.starts]).toEqual(["ok", 2]);
});

test("new files start and removed ones end; who was stopped or has failed is treated as what it is", async () => {
  const refusal = { code: "BAD_ACTOR", message: "Expected ;" };
  const stage = await stageOf({ "old.ts": { pins: { GPIO17: 0 } }, "stopped.ts": {}, "broken.ts": { refusal } });
  stage.ask({ op: "actor.stop", actor: "stopped" });
  await pass(stage, 1);
  stage.folder.write("old.ts", undefined);
  stage.folder.write("new.ts", {});
  stage.folder.write("stopped.ts", {});
  stage.folder.write("broken.ts", {});
  stage.ask({ op: "reload" });
  await pass(stage, 1);
  expect(stage.world.supervisor.status().actors.map(({ actor, state }) => `${actor} ${state}`)).toEqual([
    "stopped stopped",
    "broken running",
    "new running",
  ]);
  expect(stage.world.shown("GPIO17")).toBeUndefined();
});

test("a file that comes back, by this or another name, has its name again when what was there has ended", async () => {
  const stage = await stageOf({ "door.ts": { endsMs: 50 }, "light.ts": { endsMs: 50 } });
  stage.folder.write("door.ts", undefined);
  stage.folder.write("light.ts", undefined);
  stage.ask({ op: "reload" });
  await pass(stage, 10);
  stage.folder.write("door.ts", {});
  stage.folder.write("light.js", {});
  stage.ask({ op: "reload" });
  await pass(stage, 10);
  expect([stage.info("door")?.state, stage.info("light")?.state, stage.info("light.js")?.state]).toEqual([
    "stopping",
    "stopping",
    "starting",
  ]);
  await pass(stage, 50);
  expect(stage.world.status().actors.map(({ actor, state, file }) => `${actor} ${state} ${file}`)).toEqual([
    "door running /actors/door.ts",
    "light running /actors/light.js",
  ]);
});

test("a reload while another one runs comes behind it", async () => {
  const stage = await stageOf({ "door.ts": {} });
  stage.folder.write("door.ts", { loads: 100 });
  const first = stage.ask({ op: "reload" });
  await pass(stage, 10);
  stage.folder.write("door.ts", { name: "gate" });
  const second = stage.ask({ op: "reload" });
  await pass(stage, 10);
  expect([first.outcome, second.outcome]).toEqual(["pending", "pending"]);
  await pass(stage, 200);
  expect([first.outcome, second.outcome, stage.info("gate")?.state]).toEqual(["ok", "ok", "running"]);
  expect(stage.folder.host.living.length).toBe(1);
});

test("one that is stopped while its successor loads stays stopped", async () => {
  const stage = await stageOf({ "door.ts": {} });
  stage.folder.write("door.ts", { loads: 100 });
  stage.ask({ op: "reload" });
  await pass(stage, 10);
  stage.ask({ op: "actor.stop", actor: "door" });
  await pass(stage, 200);
  expect([stage.info("door")?.state, stage.folder.host.living.length]).toEqual(["stopped", 0]);
});

test("a shutdown ends all of them softly before it closes pins, and starts none", async () => {
  const stage = await stageOf({ "door.ts": { pins: { GPIO17: 60 }, endsMs: 20 }, "slow.ts": { loads: 1000 } });
  stage.world.supervisor.shutdown();
  await pass(stage, 10);
  expect(stage.threads("door.ts")[0]?.orders).toEqual(["stop"]);
  await pass(stage, 30);
  expect([stage.world.stopped, stage.world.shown("GPIO17")?.state]).toEqual([false, "closing"]);
  await pass(stage, 40);
  expect([stage.world.stopped, stage.folder.host.living.length, stage.world.clock.pending]).toEqual([true, 0, 0]);
});

test("a shutdown waits for nothing that is being loaded", async () => {
  const stage = await stageOf({ "door.ts": {} });
  stage.folder.write("door.ts", { loads: "waits" });
  stage.ask({ op: "reload" });
  await pass(stage, 10);
  stage.world.supervisor.shutdown();
  await pass(stage, 1);
  expect([stage.world.stopped, stage.folder.host.living.length]).toEqual([true, 0]);
});

test("only operators see them, and have them started and stopped", async () => {
  const stage = await stageOf({ "door.ts": {} });
  const nobody = { read: [], watch: [], command: [], frames: [], publish: [], subscribe: [], admin: false, rules: ["panel"] };
  const panel = stage.world.welcome("panel", { access: () => nobody as never });
  expect(panel.ask({ op: "status" }).body.actors).toEqual([]);
  for (const op of ["actor.start", "actor.stop", "actor.restart"] as const) {
    expect(panel.ask({ op, actor: "door" }).outcome).toBe("FORBIDDEN");
  }
  expect(panel.ask({ op: "reload" }).outcome).toBe("FORBIDDEN");
});

test("at its address it shows what its machine is in while it runs, and otherwise what has become of it", async () => {
  const stage = await stageOf({ "door.ts": {} }, { backoffMs: 1000 });
  expect(stage.ask({ op: "actors", address: "actor/door" }).body).toEqual({
    actors: [{ address: "actor/door", kind: "actor", parent: "supervisor", state: "on" }],
  });
  const operator = stage.world.join("watcher");
  operator.ask({ op: "observe", address: "actor/door" });
  await pass(stage, 1);
  stage.threads("door.ts")[0]?.fail();
  await pass(stage, 1001);
  const states = operator.events.map((event) => (event.ev === "transition" ? `${event.from} → ${event.state}` : event.ev));
  expect(states).toEqual(["null → on", "on → stopping", "stopping → backoff", "backoff → starting", "starting → on"]);
});

test("one that does not run takes no events", async () => {
  const stage = await stageOf({ "door.ts": {} });
  const taken = stage.ask({ op: "actor.send", address: "actor/door", event: { type: "open" } });
  stage.ask({ op: "actor.stop", actor: "door" });
  await pass(stage, 1);
  const refused = stage.ask({ op: "actor.ask", address: "actor/door", event: { type: "open" } });
  await pass(stage, 1);
  expect([taken.outcome, refused.outcome]).toEqual(["ok", "ACTOR_NOT_RUNNING"]);
});
