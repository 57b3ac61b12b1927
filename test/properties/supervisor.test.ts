import assert from "node:assert/strict";
import fc from "fast-check";
import { HoldfastError } from "../../src/protocol/errors.ts";
import type { Limits } from "../../src/protocol/limits.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import type { CommandRequest, Level, Mode, RequestOf } from "../../src/protocol/requests.ts";
import { type Armed, HoldingModel } from "./holding-model.ts";
import { commandRequests } from "./pin-commands.ts";
import { play, property, scripts, step } from "./property.ts";
import { type Answer, type Asked, type ScriptedClient, World } from "./world.ts";

/** Three lines, each under all its names. */
const lines = [17, 27, 22].map((offset) => ({ name: `GPIO${offset}`, id: { chip: "sim:0", offset } }));
const boardPin: Record<number, number> = { 17: 11, 27: 13, 22: 15 };
const aliases = fc.tuple(fc.constantFrom(...lines), fc.nat(3)).map(([{ name, id }, alias]) => ({
  name,
  pin: [name, `${id.offset}`, `BOARD${boardPin[id.offset]}`, `holdfast-sim:${id.offset}`][alias] as string,
}));

/** How many clients come and go beside the witness. */
const SEATS = 3;
const seats = fc.nat(SEATS - 1);

interface Waiting {
  readonly client: number;
  readonly name: string;
  readonly request: Omit<RequestOf<"open">, "id" | "op" | "pin">;
  readonly untilUs: number;
  readonly answer: Answer;
}

/** The real supervisor and the model of who holds what, asked the same. */
class Office {
  readonly world: World;
  readonly model = new HoldingModel();
  readonly witness: ScriptedClient;
  readonly #seats: (ScriptedClient | null)[] = Array.from({ length: SEATS }, () => null);
  #waiting: Waiting[] = [];
  /** Answers that are to come to what the model says. */
  #owed: { readonly client: number; readonly op: string; readonly answer: Answer; readonly wanted: string }[] = [];
  /** Lines whose next change of level may fail, at a time that the model does not know. */
  readonly fragile = new Set<string>();

  constructor(limits: Partial<Limits> = {}) {
    this.world = new World({ drainMs: 400, limits });
    this.witness = this.world.join("witness");
    this.model.connected.add(this.witness.number);
    this.model.limitsOn = limits.maxOnMs !== undefined;
    for (const { name } of lines) this.witness.ask({ op: "observe", pin: name });
  }

  at(seat: number): ScriptedClient {
    const seated = this.#seats[seat] ?? this.world.join(`client ${seat}`);
    this.#seats[seat] = seated;
    this.model.connected.add(seated.number);
    return seated;
  }

  /** A client asks; the answer must be what the model says, and a refusal must change nothing. */
  ask(seat: number, asked: Asked, expected: (client: number) => string): Answer {
    const client = this.at(seat);
    const before = this.fingerprint();
    const answer = client.ask(asked);
    const wanted = expected(client.number);
    const isRefused = wanted !== "ok" && wanted !== "pending";
    if (isRefused) assert.deepEqual(this.fingerprint(), before, `a refused ${asked.op} changes nothing`);
    // Opens that wait are settled with the model when their time has come.
    if (wanted !== "pending" || asked.op !== "open") this.#owed.push({ client: client.number, op: asked.op, answer, wanted });
    if (answer.error?.code === "PIN_BUSY") this.#assertNamesAHolder(answer.error, client.number);
    return answer;
  }

  open(seat: number, { name, pin }: { name: string; pin: string }, request: Omit<RequestOf<"open">, "id" | "op" | "pin">): void {
    const level = this.#levelOf(name);
    const answer = this.ask(seat, { op: "open", pin, ...request }, (client) => this.model.open(client, name, request, level));
    if (answer.outcome !== "pending") return;
    const untilUs = this.world.clock.nowUs() + (request.waitMs ?? 0) * 1000;
    this.#waiting.push({ client: this.at(seat).number, name, request, untilUs, answer });
  }

  /** Whether a client holds a pin that takes requests. */
  holds(seat: number, name: string): boolean {
    const pin = this.model.pins.get(name);
    return pin?.closing === false && pin.holders.has(this.#seats[seat]?.number ?? 0);
  }

  leave(seat: number): void {
    const client = this.#seats[seat];
    if (client === undefined || client === null) return;
    this.#seats[seat] = null;
    client.leave();
    this.model.leave(client.number);
  }

  shutdown(hard: boolean): void {
    this.world.supervisor.shutdown(hard);
    this.model.shutdown();
  }

  async pass(ms: number): Promise<void> {
    await this.world.pass(ms, () => this.reconcile());
  }

  /** Lets the model know what only time decides: which closing pins have closed, and which lines have failed. */
  reconcile(): void {
    for (const { name, id } of lines) {
      const pin = this.model.pins.get(name);
      const hasFailed = this.fragile.has(name) && this.world.shown(name)?.state !== pin?.settings.direction && this.#isGoing(name);
      if (pin !== undefined && hasFailed) pin.closing = true;
      if (pin?.closing === true && this.world.sim.uses(id).releases > this.model.usesOf(name).releases) this.model.closed(name);
    }
    for (const waiting of this.#waiting.splice(0)) {
      const { client, name, request, untilUs, answer } = waiting;
      if (answer.outcome === "pending") this.#waiting.push(waiting);
      else if (answer.outcome === "DISCONNECTED") assert(!this.model.connected.has(client));
      else if (answer.outcome === "PIN_CLOSING") assert(this.world.clock.nowUs() >= untilUs);
      else assert.equal(answer.outcome, this.model.open(client, name, request, this.#levelOf(name)), "an open that waited");
    }
  }

  #levelOf(name: string): Level | null {
    return this.world.shown(name)?.level ?? null;
  }

  /** The line of this pin is on its way back, which takes time. */
  isBeingReleased(name: string): boolean {
    return this.world.supervisor.pins.open.find((pin) => pin.name === name)?.tenant.released ?? false;
  }

  /** Commands of this pin are under way that have an end. */
  isBusy(name: string): boolean {
    const tenant = this.world.supervisor.pins.open.find((pin) => pin.name === name)?.tenant;
    return tenant?.direction === "out" && tenant.busy;
  }

  #isGoing(name: string): boolean {
    const shown = this.world.shown(name);
    const { requests, releases } = this.world.sim.uses(lines.find((line) => line.name === name)?.id ?? { chip: "", offset: 0 });
    return shown === undefined || shown.state === "closing" || requests === releases;
  }

  /** What a refused request must not touch. */
  fingerprint(): unknown {
    const { pins: open, counters, clients } = this.world.supervisor.status();
    const { accepted, done, cancelled } = counters;
    return {
      open: open.map(({ holders, level, ...rest }) => ({
        ...rest,
        level: rest.direction === "out" ? level : "the world's",
        holders: holders.map(({ heldMs: _heldMs, ...holder }) => holder),
      })),
      commands: { accepted, done, cancelled },
      held: clients.map(({ client, pins: held, subscriptions }) => ({ client, held, subscriptions })),
      owed: lines.map(({ id }) => this.world.sim.uses(id)).map(({ requests, releases }) => requests - releases),
    };
  }

  /** The supervisor is what the model says, and its books balance. */
  check(): void {
    const { world, model } = this;
    assert.deepEqual(world.defects, []);
    for (const owed of this.#owed.splice(0)) {
      const { client, op, answer, wanted } = owed;
      const mayCome = wanted === "ok" || wanted === "pending";
      const { outcome } = answer;
      const comes = mayCome && (outcome === "ok" || outcome === "pending");
      const calledOff = op === "close" && wanted === "pending" && outcome === "DISCONNECTED" && !model.connected.has(client);
      assert(outcome === wanted || comes || calledOff, `${op} came to ${outcome}, not to ${wanted}`);
      if (outcome === "pending") this.#owed.push(owed);
    }
    for (const { answers } of world.clients.flatMap((client) => client.answers)) assert(answers <= 1, "a request has one answer");
    const { pins: open, counters, clients } = world.supervisor.status();
    const seen = open.map(({ pin, direction, mode, state, unowned, holders }) => ({
      pin,
      direction,
      mode,
      closing: state === "closing",
      unowned,
      holders: holders.map(({ client, share, onDisconnect }) => ({ client, share, onDisconnect })),
    }));
    const wanted = [...model.pins].map(([pin, { settings, closing, holders }]) => ({
      pin,
      direction: settings.direction,
      mode: settings.mode,
      closing,
      unowned: holders.size === 0 && !closing,
      holders: [...holders].map(([client, hold]) => ({ client, ...hold })),
    }));
    assert.deepEqual(new Set(seen), new Set(wanted), "who holds what");
    for (const { client, pins } of clients) {
      const held = [...model.pins].filter(([, { holders }]) => holders.has(client)).map(([name]) => name);
      assert.deepEqual(new Set(pins), new Set(held), "what a client holds");
    }
    for (const { name, id } of lines) {
      const uses = world.sim.uses(id);
      assert.deepEqual(uses, model.usesOf(name), "requests and releases of a line");
      assert.equal(uses.requests - uses.releases, model.pins.has(name) ? 1 : 0);
    }
    const unfinished = open.reduce((sum, { command, queued }) => sum + queued + (command === null ? 0 : 1), 0);
    assert.equal(counters.accepted, counters.done + counters.cancelled + unfinished, "accepted = done + cancelled + running + queued");
    const inState = (wantedState: string) => new Set(clients.filter(({ state }) => state === wantedState).map(({ client }) => client));
    assert.deepEqual(inState("connected"), model.connected, "connected clients");
    assert.deepEqual(inState("leaving"), model.leaving, "clients that leave");
    for (const { name } of lines) this.#checkWitness(name);
  }

  /** Who observes knows the present state, and is told of nothing twice. */
  #checkWitness(name: string): void {
    const told = this.witness.events.filter((event): event is EventOf<"state"> => event.ev === "state" && event.pin === name);
    // The level of an input is no news: its edges are for those who watch it.
    const news = told.map((event) => (event.state === "watching" ? { ...event, level: null } : event));
    for (const [index, event] of news.slice(1).entries()) assert.notDeepEqual(event, news[index], "an event that is none");
    const { state, level, value, command } = told.at(-1) ?? assert.fail("no snapshot came");
    const shown = this.world.shown(name) ?? { state: "closed", level: null, value: null, command: null };
    const ofOutput = state !== "watching";
    assert.deepEqual(
      { state, level: ofOutput && level, value, command },
      { state: shown.state, level: ofOutput && shown.level, value: shown.value, command: shown.command },
      "what who observes knows",
    );
  }

  #assertNamesAHolder({ details }: HoldfastError, asking: number): void {
    const held = this.model.pins.get(details["pin"] as string)?.holders;
    const named = details["client"] as number;
    assert(held?.has(named) === true && named !== asking, "PIN_BUSY names who holds the pin");
    assert.equal(this.world.clients.find(({ number }) => number === named)?.client.name, details["holder"]);
  }

  /** Everybody goes, then the supervisor; nothing may be left. */
  async end(): Promise<void> {
    for (let seat = 0; seat < SEATS; seat++) this.leave(seat);
    await this.pass(60_000);
    this.check();
    const held = [...this.model.pins].filter(([, { holders, closing }]) => holders.size > 0 || closing);
    assert.deepEqual(held, [], "with every client gone only unowned pins are open");
    this.shutdown(false);
    await this.pass(60_000);
    this.check();
    assert.equal(this.world.supervisor.state, "stopped");
    assert(this.world.stopped);
    assert(
      this.world.sim.chips().every((chip) => chip.lines.every(({ used }) => !used)),
      "after the end no line is held",
    );
    for (const { answers } of this.world.clients.flatMap((client) => client.answers))
      assert.equal(answers, 1, "every request has its answer");
    this.witness.leave();
    assert.equal(this.world.clock.pending, 0, "no alarm is left");
  }
}

function act(words: string, run: (office: Office) => void | Promise<void>, applies: (office: Office) => boolean = () => true) {
  return step<Office>(
    words,
    async (office) => {
      await run(office);
      await office.world.settle();
      office.reconcile();
      office.check();
    },
    (office) => !office.world.stopped && applies(office),
  );
}

/** Most requests come from those who may make them; the others try. */
const mayTry = fc.constantFrom(false, false, false, true);

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const mode = fc.constantFrom<Mode>("wait", "nowait");
const level = fc.constantFrom<Level>(0, 1);
const common = {
  bias: optional(fc.constantFrom("pull-up" as const, "as-is" as const)),
  onDisconnect: optional(fc.constantFrom("close" as const, "stay" as const)),
};
const outputFields = {
  mode: optional(mode),
  initial: optional(level),
  closeLevel: optional(fc.constantFrom("off" as const, "on" as const, "keep" as const)),
};
const openings = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      direction: fc.constant("out" as const),
      share: fc.boolean(),
      waitMs: optional(fc.integer({ min: 1, max: 200 })),
      ...common,
      ...outputFields,
    }),
  },
  { weight: 3, arbitrary: fc.record({ direction: fc.constant("out" as const), share: fc.constant(true) }) },
  {
    weight: 2,
    arbitrary: fc.record({ direction: fc.constant("in" as const), ...common, waitMs: optional(fc.integer({ min: 1, max: 200 })) }),
  },
);
const changes = fc.oneof(
  fc.record({ ...common, ...outputFields }),
  fc.record({ direction: fc.constant("out" as const), ...common, ...outputFields }),
  fc.record({ direction: fc.constant("in" as const), ...common }),
);
const acks = optional(fc.constantFrom("accepted" as const, "started" as const, "done" as const));
const show = (fields: object) => JSON.stringify(fields);
const defined = <T extends object>(fields: T) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

const opened = fc
  .tuple(seats, aliases, openings)
  .map(([seat, at, fields]) => act(`${seat}: open ${at.pin} ${show(fields)}`, (office) => office.open(seat, at, defined(fields) as never)));
const commanded = fc.tuple(seats, aliases, commandRequests, acks, mayTry).map(([seat, { name, pin }, request, ack, tries]) => {
  const asked = { ...request, pin, ...(ack === undefined ? {} : { ack }) } as CommandRequest;
  const words = `${seat}: ${request.op} ${pin} ${show({ ...asked, id: undefined, op: undefined, pin: undefined })}`;
  return act(
    words,
    (office) => {
      office.ask(seat, asked, (client) => office.model.command(client, name));
    },
    (office) => tries || office.holds(seat, name),
  );
});
const configured = fc.tuple(seats, aliases, changes, mayTry).map(([seat, { name, pin }, fields, tries]) =>
  act(
    `${seat}: configure ${pin} ${show(fields)}`,
    (office) => {
      const wanted = defined(fields);
      const isBusy = office.isBusy(name);
      office.ask(seat, { op: "configure", pin, ...wanted } as Asked, (client) =>
        office.model.configure(client, name, wanted as never, isBusy),
      );
    },
    (office) => tries || office.holds(seat, name),
  ),
);
const closed = fc.tuple(seats, aliases, fc.constantFrom(false, false, true)).map(([seat, { name, pin }, hard]) =>
  act(`${seat}: close ${pin} ${hard ? "hard" : ""}`, (office) => {
    office.ask(seat, { op: "close", pin, hard }, (client) => office.model.close(client, name));
  }),
);
const others = fc
  .tuple(seats, aliases, mayTry, fc.constantFrom<Asked["op"]>("mode", "cancel", "watch", "observe", "read"), mode)
  .map(([seat, { name, pin }, tries, op, newMode]) =>
    act(
      `${seat}: ${op} ${pin}${op === "mode" ? ` ${newMode}` : ""}`,
      (office) => {
        const { model } = office;
        const asked = (op === "mode" ? { op, pin, mode: newMode } : { op, pin }) as Asked;
        const isReleased = office.isBeingReleased(name);
        office.ask(seat, asked, (client) => {
          if (op === "mode") return model.mode(client, name, newMode);
          if (op === "cancel") return model.cancel(client, name);
          if (op === "watch") return model.watch(client, name);
          if (op === "read") return isReleased ? "PIN_CLOSING" : model.read(name);
          return "ok";
        });
      },
      (office) => tries || office.holds(seat, name),
    ),
  );
const left = seats.map((seat) => act(`${seat}: disconnects`, (office) => office.leave(seat)));
const passed = fc.integer({ min: 0, max: 80 }).map((ms) => act(`${ms} ms pass`, (office) => office.pass(ms)));
const stalled = fc.integer({ min: 1, max: 300 }).map((ms) => act(`nothing runs for ${ms} ms`, (office) => office.world.clock.stallMs(ms)));
const outside = fc
  .tuple(fc.constantFrom(...lines), fc.option(level))
  .map(([{ name, id }, to]) => act(`outside drives ${name} to ${to}`, (office) => office.world.sim.drive(id, to)));
const failures = fc
  .tuple(fc.constantFrom(...lines), fc.constantFrom<Armed>("request", "get", "reconfigure"))
  .map(([{ name, id }, failing]) =>
    act(`the next ${failing} of ${name} fails`, (office) => {
      office.world.sim.failNext(id, failing, new HoldfastError("LINE_FAILED", "as asked for"));
      office.model.arm(name, failing);
    }),
  );
const losses = fc.constantFrom(...lines).map(({ name, id }) =>
  act(`the next change of ${name} fails`, (office) => {
    office.world.sim.failNext(id, "set", new HoldfastError("LINE_FAILED", "as asked for"));
    office.fragile.add(name);
  }),
);
const slow = fc.tuple(fc.constantFrom(...lines), fc.integer({ min: 1, max: 100_000 })).map(([{ name, id }, us]) =>
  act(
    `releasing ${name} will take ${us} µs`,
    (office) => office.world.sim.delayRelease(id, us),
    ({ model }) => model.pins.get(name)?.closing === false,
  ),
);
const ended = fc.boolean().map((hard) => act(`shutdown ${hard ? "hard" : ""}`, (office) => office.shutdown(hard)));

const everyday = [
  opened,
  opened,
  opened,
  ...Array.from({ length: 6 }, () => commanded),
  others,
  others,
  others,
  closed,
  left,
  passed,
  passed,
];

property(
  "whatever clients do and whenever they go, each line is held by whom the rules say, and requested and released once",
  scripts([...everyday, configured, configured, outside, stalled], 80),
  async (script) => {
    const office = new Office();
    await office.world.settle();
    await play(script, office);
    await office.end();
  },
  300,
);

property(
  "when lines fail and releases take time, what is refused changes nothing, and nothing stays held",
  scripts([...everyday, configured, configured, failures, failures, losses, slow, slow], 80),
  async (script) => {
    const office = new Office({ maxOnMs: 30 });
    await office.world.settle();
    await play(script, office);
    await office.end();
  },
  300,
);

property(
  "a shutdown at any point, soft or hard, gives every line back and leaves no request without its answer",
  scripts([...everyday, ended, slow], 60),
  async (script) => {
    const office = new Office();
    await office.world.settle();
    await play(script, office);
    await office.end();
  },
  300,
);
