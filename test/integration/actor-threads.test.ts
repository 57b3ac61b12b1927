import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { errorCodes, type HoldfastError } from "../../src/protocol/errors.ts";
import type { ActorEnd, ActorLine, HostedActor } from "../../src/user-actors/actor-host.ts";
import { ThreadActors } from "../../src/user-actors/thread-actors.ts";
import { ActorStage, Told } from "../unit/actor-stage.ts";
import { eventually } from "./processes.ts";

// Threads come late on a machine that has other work to do.
setDefaultTimeout(240_000);

/** An actor of everything that a file may import, and of many ways to fail. */
const door = `
import { assign, setup } from "xstate";
import { defineActor } from "holdfast";
import { z } from "zod";
import { twice } from "./walls/twice.ts";

console.log("imported", twice(2));

export default defineActor({
  pins: { relay: { out: "GPIO17" }, sensor: { in: "GPIO4", bias: "pull-down" } },
  events: { open: {}, count: { n: z.number() }, odd: {}, trap: {}, strange: {}, hang: {}, fail: {}, timer: {}, reject: {}, exit: {}, halt: {} },
  machine: ({ pins, types, reply }) =>
    setup({ types: { ...types, context: {} as { edges: number } } }).createMachine({
      context: { edges: 0 },
      initial: "shut",
      on: {
        "sensor.*": { actions: assign({ edges: ({ context }) => context.edges + 1 }) },
        count: { actions: reply(({ event }) => twice(event.n)) },
        odd: { actions: reply(() => () => "a function") },
        trap: { actions: reply(() => ({ get bad() { throw new Error("read"); } })) },
        strange: { actions: [() => { for (const said of ["hello", null, 3, { ended: null }]) postMessage(said); }, reply("here")] },
        hang: { actions: () => { console.log("hanging"); for (;;); } },
        fail: { actions: () => { throw new TypeError("in an action"); } },
        timer: { actions: () => void setTimeout(() => { throw new TypeError("in a timer"); }) },
        reject: { actions: () => void Promise.reject(new TypeError("in a promise")) },
        exit: { actions: () => process.exit(3) },
        halt: ".halted",
      },
      states: {
        shut: { on: { open: { target: "opened", actions: [pins.relay.on(), () => console.warn("opening", { now: true })] } } },
        opened: {},
        halted: { type: "final" },
      },
    }),
});
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-actors-"));
  write("door.ts", door);
  write("walls/twice.ts", "export const twice = (n: number): number => 2 * n;\n");
});

afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** What is told of a thread, to be waited for. */
class Heard extends Told {
  readonly lines: ActorLine[] = [];
  readonly #gone = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  /** It runs, or has ended before it could. */
  readonly isUp = this.#ready.promise;
  readonly isOver = this.#gone.promise;

  override said(line: ActorLine): void {
    this.lines.push(line);
  }

  override ready(...told: Parameters<Told["ready"]>): void {
    super.ready(...told);
    this.#ready.resolve();
  }

  override ended(end: ActorEnd): void {
    super.ended(end);
    this.#ready.resolve();
  }

  override gone(): void {
    super.gone();
    this.#gone.resolve();
  }
}

/** What a promise is rejected with. Bun's own `rejects` keeps the messages of workers from coming while it waits. */
async function failing(promise: Promise<unknown>): Promise<HoldfastError> {
  const failure = await promise.then(
    () => null,
    (error) => error,
  );
  if (failure === null) throw new Error("it was not rejected");
  return failure;
}

const never = new AbortController().signal;

function load(name: string, heard = () => {}, signal = never) {
  return new ThreadActors().load({ name: name.replace(/\.\w+$/, ""), file: join(folder, name) }, { heard }, signal);
}

/** Starts door.ts and waits until it runs. */
async function start(stage: ActorStage): Promise<{ actor: HostedActor; told: Heard }> {
  const told = new Heard();
  const actor = (await load("door.ts")).start(stage.dial("door"), told);
  await told.isUp;
  return { actor, told };
}

/** That of each thread of this process that is called so (proc_pid_stat(5)). */
function niceness(name: string): number[] {
  const threads = readdirSync("/proc/self/task").map((thread) => readFileSync(`/proc/self/task/${thread}/stat`, "utf8"));
  return threads.filter((stat) => stat.includes(`(${name})`)).map((stat) => Number(stat.split(") ")[1]?.split(" ")[16]));
}

describe("an actor in a thread of its own", () => {
  test("is made from a file that imports xstate, holdfast, zod and its neighbours, wherever it is", async () => {
    await using stage = await ActorStage.open();
    const loaded = await load("door.ts");
    expect([loaded.name, loaded.files]).toEqual(["door", [join(folder, "door.ts"), join(folder, "walls/twice.ts")]]);
    const told = new Heard();
    const actor = loaded.start(stage.dial("door"), told);
    await told.isUp;
    expect(told.description?.accepts.map(({ type }) => type)).toContain("count");
    expect(await actor.ask({ type: "count", n: 21 }, 10_000)).toBe(42);
    actor.stop();
    await told.isOver;
    expect(told.end).toBeNull();
    expect(told.lines).toEqual([{ level: "info", text: "imported 4" }]);
  });

  test("finds zod and holdfast by their other names, too", async () => {
    const imports =
      'import { z } from "zod/v4";\nimport { errorCodes } from "holdfast/client";\nimport { defineActor } from "holdfast";\nimport { setup } from "xstate";\n';
    const machine =
      "machine: ({ types, reply }) => setup({ types }).createMachine({ on: { code: { actions: reply(({ event }) => errorCodes[event.code]) } } })";
    write("names.ts", `${imports}export default defineActor({ events: { code: { code: z.string() } }, ${machine} });\n`);
    await using stage = await ActorStage.open();
    const told = new Heard();
    const actor = (await load("names.ts")).start(stage.dial("names"), told);
    await told.isUp;
    expect(await actor.ask({ type: "code", code: "PIN_BUSY" }, 10_000)).toBe(errorCodes.PIN_BUSY);
    actor.kill();
    await told.isOver;
  });

  test("has commanded what an event is for when the event has been taken", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await start(stage);
    await actor.send({ type: "open" });
    expect(await stage.level("GPIO17")).toBe(1);
    expect(told.transitions.map(({ event, state }) => [event, state])).toEqual([
      [null, "shut"],
      ["open", "opened"],
    ]);
    expect(told.lines.at(-1)).toEqual({ level: "warn", text: "opening { now: true }" });
    actor.stop();
    await told.isOver;
    expect((await stage.world.read("GPIO17")).state).toBe("closed");
  });

  test("gives way to all else in its process where there is no time for all", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await start(stage);
    const ownPriority = getPriority();
    expect(niceness("holdfast door")).toEqual([ownPriority + 5]);
    expect(getPriority()).toBe(ownPriority);
    actor.stop();
    await told.isOver;
  });

  test("hears its inputs, and shows what it knows", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await start(stage);
    actor.observed(true);
    await stage.world.simSet("GPIO4", 1);
    while ((await actor.snapshot()).data["edges"] !== 1);
    expect(told.transitions.at(-1)).toEqual({ event: "sensor.rising", from: "shut", state: "shut", data: { edges: 1 } });
    actor.stop();
    await told.isOver;
  });

  test("refuses what its author's schemas do not know, and says when an answer can't be carried", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await start(stage);
    expect(await failing(actor.send({ type: "close" }))).toMatchObject({ code: "EVENT_UNKNOWN" });
    expect(await failing(actor.ask({ type: "count", n: "1" }, 10_000))).toMatchObject({
      code: "EVENT_INVALID",
      details: { field: "event.n" },
    });
    expect(await failing(actor.ask({ type: "odd" }, 10_000))).toMatchObject({
      code: "ACTOR_FAILED",
      message: expect.stringMatching(/^door has answered what no message can carry/),
    });
    expect(await failing(actor.ask({ type: "trap" }, 10_000))).toMatchObject({
      code: "ACTOR_FAILED",
      message: "door has answered what no message can carry: read",
    });
    expect(told.end).toBeNull();
    actor.stop();
    await told.isOver;
  });

  test("may post what it likes to whoever has started its thread: that hears none of it", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await start(stage);
    expect(await actor.ask({ type: "strange" }, 10_000)).toBe("here");
    expect(told.end).toBeNull();
    actor.stop();
    await told.isOver;
  });

  test("is done when its machine is", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await start(stage);
    await actor.send({ type: "halt" });
    await told.isOver;
    expect([told.states, told.end]).toEqual([["shut", "halted"], { reason: "done" }]);
  });

  test("can be killed while it loops for ever, and gives no sign of life until then", async () => {
    await using stage = await ActorStage.open();
    const told = new Heard();
    let signs = 0;
    told.heard = () => {
      signs++;
    };
    const actor = (await load("door.ts")).start(stage.dial("door"), told);
    await told.isUp;
    const hung = failing(actor.send({ type: "hang" }));
    await eventually("it hangs", () => told.lines.some(({ text }) => text === "hanging"));
    const before = signs;
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(signs).toBe(before);
    actor.kill();
    expect(await hung).toMatchObject({ code: "ACTOR_FAILED" });
    await told.isOver;
    expect(told.end).toBeNull();
    expect((await stage.world.read("GPIO17")).state).toBe("closed");
    expect(await failing(actor.snapshot())).toMatchObject({ code: "ACTOR_NOT_RUNNING" });
  });
});

describe("an actor in a thread fails", () => {
  for (const [type, where] of [
    ["fail", "an action"],
    ["timer", "a timer"],
    ["reject", "a promise"],
  ] as const) {
    test(`where it throws in ${where}, with the line of its file`, async () => {
      await using stage = await ActorStage.open();
      const { actor, told } = await start(stage);
      const sent = actor.send({ type }).catch(({ code }) => expect(code).toBe("ACTOR_FAILED"));
      await told.isOver;
      await sent;
      const lines = door.split("\n");
      const line = lines.findIndex((text) => text.includes(`"in ${where}"`)) + 1;
      expect(told.end).toMatchObject({
        reason: "failed",
        error: {
          code: "ACTOR_FAILED",
          message: `TypeError: in ${where}`,
          actor: "door",
          file: join(folder, "door.ts"),
          line,
          source: lines[line - 1]?.trim(),
        },
      });
      expect((await stage.world.read("GPIO17")).state).toBe("closed");
    });
  }

  test("where it throws behind its load and before its start", async () => {
    const text =
      'import { defineActor } from "holdfast";\nimport { setup } from "xstate";\nexport default defineActor({ machine: () => setup({}).createMachine({}) });\n';
    write("late.ts", `${text}setTimeout(() => {\n  console.log("about to");\n  throw new Error("too late");\n}, 1);\n`);
    await using stage = await ActorStage.open();
    const loaded = await load("late.ts");
    // As long as it waits for the end of the one before it, say.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const told = new Heard();
    loaded.start(stage.dial("late"), told);
    await told.isOver;
    expect(told.end).toMatchObject({
      reason: "failed",
      error: { code: "ACTOR_FAILED", message: "Error: too late", actor: "late", line: 6 },
    });
  });

  for (const [what, text, code] of [
    [
      "declares what can't be had",
      'pins: {\n    relay: { out: "GPIO17", debounceUs: 5 },\n  },\n  machine: () => setup({}).createMachine({}),',
      "BAD_ACTOR",
    ],
    [
      "emits what is no command",
      'pins: { relay: { out: "GPIO17" } },\n  machine: () => setup({}).createMachine({\n    entry: emit({ type: "relay.shutdown" }),\n  }),',
      "UNKNOWN_OP",
    ],
  ] as const) {
    test(`where it ${what}, with the line of its file`, async () => {
      write(
        "odd.ts",
        `import { defineActor } from "holdfast";\nimport { emit, setup } from "xstate";\nexport default defineActor({\n  ${text}\n});\n`,
      );
      await using stage = await ActorStage.open();
      const told = new Heard();
      (await load("odd.ts")).start(stage.dial("odd"), told);
      await told.isOver;
      const line = code === "BAD_ACTOR" ? 5 : 6;
      expect(told.end).toMatchObject({ reason: "failed", error: { code, actor: "odd", file: join(folder, "odd.ts"), line } });
    });
  }

  test("when it ends its own thread", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await start(stage);
    expect(await failing(actor.send({ type: "exit" }))).toMatchObject({ code: "ACTOR_FAILED" });
    await told.isOver;
    expect(told.end).toMatchObject({ reason: "failed", error: { code: "ACTOR_FAILED", message: "its thread has ended" } });
  });
});

describe("a file that is no actor is refused, with the place of the mistake", () => {
  const mistakes: [what: string, text: string, said: RegExp, line?: number][] = [
    ["does not parse", 'import { setup } from "xstate";\n\nconst x = ;\n', /^Unexpected ;/, 3],
    ["has no default export", "export const x = 3;\n", /^has no default export/],
    ["exports something else", "export default { name: 'door' };\n", /^has a default export that is none/],
    ["imports what a module has not", 'import {\n  defineActr,\n} from "holdfast";\ndefineActr();\n', /defineActr/, 2],
    ["imports a package that is not there", 'import { setup } from "xstate";\nimport "left-pad";\n', /left-pad/, 2],
    ["imports a file that is not there", '\nimport { x } from "./nothing.ts";\nx();\n', /nothing\.ts/, 2],
    ["throws nothing at all", "throw null;\n", /^it has thrown null$/],
    ["throws a text", "throw 'so';\n", /^so$/],
    ["throws what can't be written", "throw Object.create(null);\n", /^it has thrown \[Object: null prototype\] {}$/],
    ["throws", '\n\nfunction act() {\n  throw new TypeError("at once");\n}\nact();\n', /^TypeError: at once/, 4],
    ["defines it wrongly", 'import { defineActor } from "holdfast";\n\ndefineActor({ machine: 3 } as never);\n', /machine: must be/, 3],
  ];
  for (const [what, text, said, line] of mistakes) {
    test(`one that ${what}`, async () => {
      const file = write("wrong.ts", text);
      const error = await failing(load("wrong.ts"));
      expect(error).toMatchObject({ code: "BAD_ACTOR", message: expect.stringMatching(said), details: { file } });
      expect(error.details["line"]).toBe(line);
      if (line !== undefined) expect(error.details["source"]).toBe(text.split("\n")[line - 1]?.trim());
    });
  }

  test("one with a neighbour that does not parse: the place is there", async () => {
    const neighbour = write("walls/cracked.ts", "export const x: number =\n");
    write("wrong.ts", 'import { x } from "./walls/cracked.ts";\nexport default x;\n');
    expect(await failing(load("wrong.ts"))).toMatchObject({ code: "BAD_ACTOR", details: { file: neighbour } });
  });

  test("one that loops for ever can be given up", async () => {
    write("wrong.ts", "for (;;);\n");
    const giveUp = new AbortController();
    const loaded = load("wrong.ts", () => giveUp.abort(), giveUp.signal);
    expect(await failing(loaded)).toMatchObject({ code: "BAD_ACTOR", message: "its thread has ended while it was loaded" });
  });
});

test("an actor's thread does not begin the program again that is bundled with the library, and says what is wrong", async () => {
  write("bundled/actors.d/late.ts", "await new Promise(() => {});\n");
  const supervisor = join(import.meta.dir, "..", "..", "src", "create-supervisor.ts");
  const backend = join(import.meta.dir, "..", "..", "src", "gpio", "sim.ts");
  const clock = join(import.meta.dir, "..", "..", "src", "clock", "real.ts");
  const program = write(
    "bundled/program.ts",
    `import { createSupervisor } from ${JSON.stringify(supervisor)};
import { SimBackend } from ${JSON.stringify(backend)};
import { RealClock } from ${JSON.stringify(clock)};
const clock = new RealClock();
const actors = { folder: ${JSON.stringify(join(folder, "bundled", "actors.d"))}, restart: "never" } as const;
const supervisor = await createSupervisor({ backend: new SimBackend({ clock }), clock, actors });
while (supervisor.status().actors[0]?.state === "starting") await new Promise((resolve) => setTimeout(resolve, 20));
console.log(JSON.stringify(supervisor.status().actors));
await supervisor.shutdown({ hard: true });
`,
  );
  const { outputs } = await Bun.build({ entrypoints: [program], target: "bun" });
  const bundle = write("bundled/program.js", (await outputs[0]?.text()) ?? "");
  const { stdout } = Bun.spawn([process.execPath, bundle], { cwd: folder, stderr: "ignore" });
  const [actor] = JSON.parse(await new Response(stdout).text());
  expect(actor).toMatchObject({
    actor: "late",
    state: "failed",
    end: { message: expect.stringContaining("leave holdfast out of the bundle") },
  });
});
