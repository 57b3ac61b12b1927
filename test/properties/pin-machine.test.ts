import assert from "node:assert/strict";
import fc from "fast-check";
import { type Actor, createActor } from "xstate";
import { type Cancellation, type CancelReason, type Command, type PinEvent, pinMachine } from "../../actors/pin.ts";
import type { Wave } from "../../actors/wave.ts";
import { commandRequests, play, scripts, step } from "../../src/index-testing.ts";
import type { CommandRequest, Level, Mode } from "../../src/protocol/requests.ts";
import { property } from "./property.ts";

/** What the machine did, as its effects tell it. */
type Effect = string;

/** A command as the model sees it. */
interface Given {
  readonly number: number;
  readonly client: number;
  readonly request: CommandRequest;
}

/** Whether a command has an end of its own. */
function ends({ durationMs, ...request }: CommandRequest): boolean {
  return durationMs !== undefined || ("n" in request && request.n !== undefined);
}

/** Whether a command leaves the line steadily off. */
function isOff(request: CommandRequest): boolean {
  switch (request.op) {
    case "pattern":
      return request.steps.length === 1 && !request.steps.some(({ level, levels = [level] }) => levels.includes(1));
    case "write":
      return !request.levels.includes(1);
    case "value":
      return request.value === 0;
    default:
      return request.op === "off";
  }
}

/** What a pin has to do, said once more: a list of who waits, and who has the line. */
class PinModel {
  mode: Mode;
  phase: "open" | "draining" | "releasing" | "closed" = "open";
  running: Given | null = null;
  queue: Given[] = [];
  accepted = 0;
  readonly outcomes = new Map<number, string>();
  readonly effects: Effect[] = [];
  /** What the line is left with is steady off: a toggle makes anything else into that. */
  off: boolean;
  /** How what has the line is seen. */
  shown: "idle" | "on" | "blinking" | "pulsing";

  constructor({ mode, initial }: { readonly mode: Mode; readonly initial: Level }) {
    this.mode = mode;
    this.off = initial === 0;
    this.shown = initial === 1 ? "on" : "idle";
  }

  command(given: Given): void {
    if (this.phase !== "open") return;
    this.accepted++;
    const mode = given.request.mode ?? this.mode;
    if (mode === "wait" && this.running !== null && ends(this.running.request)) {
      this.queue.push(given);
      return;
    }
    for (const one of this.#unfinished()) this.#end(one, mode === "wait" ? "done" : "SUPERSEDED");
    this.queue = [];
    this.#start(given);
  }

  ended(number: number): void {
    if (this.running?.number !== number || !this.#listens()) return;
    this.#end(this.running, "done");
    this.#next();
  }

  stopped(number: number, reason: CancelReason): void {
    if (!this.#listens() || (this.running?.number ?? 0) !== number) return;
    if (this.running !== null) this.#end(this.running, reason);
    this.off = true;
    this.#next();
  }

  cancel(which: Cancellation): void {
    if (!this.#listens()) return;
    const meant = (one: Given) => (which.number ?? one.number) === one.number && (which.client ?? one.client) === one.client;
    const hit = this.#unfinished().filter(meant);
    for (const one of hit) this.#end(one, "CANCELLED");
    this.queue = this.queue.filter((one) => !meant(one));
    if (this.running !== null && hit.includes(this.running)) this.#next();
  }

  close(): void {
    if (this.phase !== "open") return;
    if (this.running !== null && ends(this.running.request)) this.phase = "draining";
    else this.#release("done");
  }

  abort(reason: CancelReason): void {
    if (this.#listens()) this.#release(reason);
  }

  released(): void {
    if (this.phase === "releasing") this.phase = "closed";
  }

  #listens(): boolean {
    return this.phase === "open" || this.phase === "draining";
  }

  #unfinished(): Given[] {
    return this.running === null ? this.queue : [this.running, ...this.queue];
  }

  #release(outcome: string): void {
    for (const one of this.#unfinished()) this.#end(one, outcome);
    this.running = null;
    this.queue = [];
    this.phase = "releasing";
    this.effects.push("release");
  }

  #start(given: Given): void {
    const { request } = given;
    this.off = request.op === "toggle" ? !this.off : isOff(request);
    this.running = given;
    if (request.op === "blink" || request.op === "pattern") this.shown = "blinking";
    else if (request.op === "pulse") this.shown = "pulsing";
    else this.shown = this.off ? "idle" : "on";
    this.effects.push(`play ${given.number}${request.op === "toggle" ? ` ${this.off ? 0 : 1}` : ""}`);
  }

  #next(): void {
    for (let given = this.queue.shift(); given !== undefined; given = this.queue.shift()) {
      this.#start(given);
      const holds = ends(given.request) || (this.queue.length === 0 && this.phase === "open");
      if (holds) return;
      this.#end(given, "done");
    }
    this.running = null;
    this.shown = "idle";
    if (this.phase === "draining") {
      this.phase = "releasing";
      this.effects.push("release");
      return;
    }
    this.off = true;
    this.effects.push("rest");
  }

  #end({ number }: Given, outcome: string): void {
    assert(!this.outcomes.has(number));
    this.outcomes.set(number, outcome);
    this.effects.push(`${outcome} ${number}`);
  }
}

/** The real machine and the model of it, given the same events. */
class Bench {
  readonly model: PinModel;
  readonly effects: Effect[] = [];
  readonly acknowledged: number[] = [];
  readonly #actor: Actor<typeof pinMachine>;
  #given = 0;

  constructor(input: { readonly mode: Mode; readonly initial: Level }) {
    this.model = new PinModel(input);
    const machine = pinMachine.provide({
      actions: {
        play: (_, next) => this.effects.push(next === null ? "rest" : `play ${next.command.number}${toggled(next)}`),
        acknowledge: (_, { command, outcome }) => {
          this.acknowledged.push(command.number);
          this.effects.push(`${outcome.outcome === "done" ? "done" : outcome.reason} ${command.number}`);
        },
        release: () => this.effects.push("release"),
      },
    });
    this.#actor = createActor(machine, { input });
    this.#actor.start();
    this.compare();
  }

  /** A command that was given before, counted back from the latest. */
  past(back: number): number {
    return Math.max(0, this.#given - back);
  }

  give(request: CommandRequest, client: number): void {
    const number = ++this.#given;
    this.#send({ type: "command", command: { number, by: { client, name: `client ${client}` }, request } });
    this.model.command({ number, client, request });
    this.compare();
  }

  tell(event: Exclude<PinEvent, { type: "command" }>): void {
    this.#send(event);
    switch (event.type) {
      case "ended":
        this.model.ended(event.number);
        break;
      case "stopped":
        this.model.stopped(event.number, event.reason);
        break;
      case "mode":
        if (this.model.phase === "open") this.model.mode = event.mode;
        break;
      case "cancel":
        this.model.cancel(event);
        break;
      case "abort":
        this.model.abort(event.reason);
        break;
      default:
        this.model[event.type]();
    }
    this.compare();
  }

  #send(event: PinEvent): void {
    if (this.#actor.getSnapshot().status === "active") this.#actor.send(event);
  }

  compare(): void {
    const { model } = this;
    const { context, value } = this.#actor.getSnapshot();
    assert.deepEqual(this.effects, model.effects, "the effects");
    assert.deepEqual(context.queue.map(numberOf), model.queue.map(numberOf), "the queue");
    assert.equal(context.running?.command.number ?? null, model.running?.number ?? null, "who runs");
    assert.equal(context.mode, model.mode, "the mode");
    const closing = { draining: "draining", releasing: "releasing", closed: "closed", open: model.shown }[model.phase];
    assert.equal(typeof value === "string" ? value : value.closing, closing, "the state");
    // Invariant 5, from the machine's own mouth: what it acknowledged and what it still has are what it accepted, each once.
    const unfinished = [...(context.running === null ? [] : [context.running.command]), ...context.queue].map(numberOf);
    const all = [...this.acknowledged, ...unfinished].sort((a, b) => a - b);
    assert.deepEqual(
      all,
      Array.from({ length: model.accepted }, (_, index) => index + 1),
      "accepted = done + cancelled + running + queued",
    );
  }
}

function toggled({ command, wave }: { readonly command: Command; readonly wave: Wave }): string {
  return command.request.op === "toggle" ? ` ${wave.segments[0]?.fromDuty}` : "";
}

function numberOf({ number }: { readonly number: number }): number {
  return number;
}

const client = fc.integer({ min: 1, max: 2 });
const back = fc.nat(3);
const reason = fc.constantFrom<CancelReason>("CLOSED", "LINE_LOST");
const machines = fc.record({ mode: fc.constantFrom<Mode>("wait", "nowait"), initial: fc.constantFrom<Level>(0, 1) });

const commanded = fc
  .tuple(commandRequests("GPIO17"), client)
  .map(([request, by]) => step<Bench>(words(request, by), (bench) => bench.give(request, by)));
const ended = step<Bench>("its time is up", (bench) => bench.tell({ type: "ended", number: bench.model.running?.number ?? 0, lateMs: 0 }));
const working = [
  commanded,
  commanded,
  commanded,
  fc.constant(ended),
  back.map((ago) => step<Bench>(`ended, of ${ago} ago`, (bench) => bench.tell({ type: "ended", number: bench.past(ago), lateMs: 0 }))),
  back.map((ago) =>
    step<Bench>(`max on, of ${ago} ago`, (bench) => bench.tell({ type: "stopped", number: bench.past(ago), reason: "MAX_ON" })),
  ),
  fc.constantFrom<Mode>("wait", "nowait").map((mode) => step<Bench>(`mode ${mode}`, (bench) => bench.tell({ type: "mode", mode }))),
  fc
    .tuple(fc.option(back, { nil: undefined }), fc.option(client, { nil: undefined }))
    .map(([ago, by]) =>
      step<Bench>(`cancel ${ago === undefined ? "all" : `that of ${ago} ago`} of ${by ?? "anybody"}`, (bench) =>
        bench.tell({ type: "cancel", number: ago === undefined ? undefined : bench.past(ago), client: by }),
      ),
    ),
];
const closing = [
  fc.constant(step<Bench>("close", (bench) => bench.tell({ type: "close" }))),
  reason.map((why) => step<Bench>(`abort ${why}`, (bench) => bench.tell({ type: "abort", reason: why }))),
  fc.constant(
    step<Bench>(
      "released",
      (bench) => bench.tell({ type: "released" }),
      ({ model }) => model.phase === "releasing",
    ),
  ),
];

function words(request: CommandRequest, by: number): string {
  const { id: _id, op, pin: _pin, ...fields } = request;
  return `${by}: ${op} ${JSON.stringify(fields)}`;
}

property(
  "every command that is accepted is acknowledged once, and runs in its turn",
  fc.tuple(machines, scripts(working, 40)),
  async ([machine, script]) => play(script, new Bench(machine)),
  1000,
);

property(
  "closing, softly or hard, at any point leaves no command without its end",
  fc.tuple(machines, scripts([...working, ...closing], 40)),
  async ([machine, script]) => {
    const bench = new Bench(machine);
    await play(script, bench);
    bench.tell({ type: "close" });
    while (bench.model.phase === "draining") bench.tell({ type: "ended", number: bench.model.running?.number ?? 0, lateMs: 0 });
    if (bench.model.phase === "releasing") bench.tell({ type: "released" });
    assert.equal(bench.acknowledged.length, bench.model.accepted);
  },
  1000,
);

const patient = commandRequests("GPIO17").map((request) => ({ ...request, mode: "wait" as const }));

property(
  "in wait all that was accepted runs, in that order, each until its time is up, and then the line is given back",
  fc.tuple(machines, fc.array(fc.oneof(patient, fc.constant(null)), { maxLength: 30 })),
  ([machine, given]) => {
    const bench = new Bench(machine);
    const timeIsUp = () => bench.tell({ type: "ended", number: bench.model.running?.number ?? 0, lateMs: 0 });
    for (const request of given) {
      if (request === null) timeIsUp();
      else bench.give(request, 1);
    }
    const accepted = bench.model.accepted;
    bench.tell({ type: "close" });
    bench.give({ id: 0, op: "on", pin: "GPIO17" }, 1);
    for (let left = accepted; left > 0; left--) timeIsUp();
    const played = bench.effects.filter((effect) => effect.startsWith("play")).map((effect) => Number(effect.split(" ")[1]));
    assert.deepEqual(
      played,
      Array.from({ length: accepted }, (_, index) => index + 1),
    );
    assert.deepEqual(bench.acknowledged, played);
    assert(bench.effects.every((effect) => /^(play|done|rest|release)/.test(effect)));
    assert.equal(bench.effects.at(-1), "release");
  },
  500,
);

const hasty = commandRequests("GPIO17").map((request) => ({ ...request, mode: "nowait" as const }));

property(
  "in nowait the last command accepted stands, and all before it are cancelled or done",
  fc.tuple(machines, fc.array(commandRequests("GPIO17"), { maxLength: 10 }), hasty),
  ([machine, before, last]) => {
    const bench = new Bench(machine);
    for (const request of before) bench.give(request, 1);
    bench.give(last, 2);
    assert.equal(bench.model.running?.number, before.length + 1);
    assert.equal(bench.effects.at(-1)?.split(" ").slice(0, 2).join(" "), `play ${before.length + 1}`);
    assert.deepEqual(
      [...bench.acknowledged].sort((a, b) => a - b),
      before.map((_, index) => index + 1),
    );
  },
  500,
);

property(
  "a toggle turns steady off into on, and anything else into off",
  fc.tuple(machines, fc.option(commandRequests("GPIO17"), { nil: null })),
  ([machine, before]) => {
    const bench = new Bench(machine);
    if (before !== null) bench.give(before, 1);
    const wasOff = bench.model.off;
    bench.give({ id: 0, op: "toggle", pin: "GPIO17", mode: "nowait" }, 1);
    assert.equal(bench.effects.at(-1), `play ${before === null ? 1 : 2} ${wasOff ? 1 : 0}`);
  },
  300,
);
