import assert from "node:assert/strict";
import { type Answer, type Asked, type ScriptedClient, World } from "../../src/index-testing.ts";
import type { HoldfastError } from "../../src/protocol/errors.ts";
import type { Limits } from "../../src/protocol/limits.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import type { Level, PinConfig, RequestOf } from "../../src/protocol/requests.ts";
import { HoldingModel } from "./holding-model.ts";

/** Three lines, each under all its names. */
export const lines = [17, 27, 22].map((offset) => ({ name: `GPIO${offset}`, id: { chip: "sim:0", offset } }));

/** What other names in configurations mean. */
const canonical: Readonly<Record<string, string>> = { BOARD15: "GPIO22", "holdfast-sim:17": "GPIO17" };

/** How many clients come and go beside the witness. */
export const SEATS = 3;

interface Waiting {
  readonly client: number;
  readonly name: string;
  readonly request: Omit<RequestOf<"open">, "id" | "op" | "pin">;
  readonly untilUs: number;
  readonly answer: Answer;
}

/** The real supervisor and the model of who holds what, asked the same. */
export class Office {
  readonly world: World;
  readonly model = new HoldingModel();
  readonly witness: ScriptedClient;
  #waiting: Waiting[] = [];
  /** Answers that are to come to what the model says. */
  #owed: { readonly client: number; readonly op: string; readonly answer: Answer; readonly wanted: string }[] = [];
  /** Lines whose next change of level may fail, at a time that the model does not know. */
  readonly fragile = new Set<string>();

  /** For how long nothing has run, in all, in µs: what is due may be so late, and as much again. */
  stalledUs = 0;
  /** Since when each output has been seen active. */
  readonly #activeSinceUs = new Map<string, number>();

  constructor(limits: Partial<Limits> = {}, pins: Readonly<Record<string, PinConfig>> = {}) {
    this.world = new World({ drainMs: 400, limits, pins });
    this.witness = this.world.join("witness");
    this.model.connected.add(this.witness.number);
    this.model.maxOnMs = limits.maxOnMs ?? null;
    this.model.configured = Object.fromEntries(Object.entries(pins).map(([name, config]) => [canonical[name] ?? name, config]));
    this.model.nowUs = () => this.world.clock.nowUs();
    for (const { name } of lines) this.witness.ask({ op: "observe", pin: name });
  }

  at(seat: number): ScriptedClient {
    const seated = this.world.seat(seat);
    this.model.connected.add(seated.number);
    return seated;
  }

  /** A client asks; the answer must be what the model says, and a refusal must change nothing. */
  ask(seat: number, asked: Asked, expected: (client: number) => string): Answer {
    const client = this.at(seat);
    const before = this.fingerprint();
    this.model.heardUs.set(client.number, this.world.clock.nowUs());
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
    return pin?.closing === false && pin.holders.has(this.world.seated(seat)?.number ?? 0);
  }

  leave(seat: number): void {
    const client = this.world.seated(seat);
    if (client === null) return;
    this.world.vacate(seat);
    this.model.leave(client.number);
  }

  shutdown(hard: boolean): void {
    this.world.supervisor.shutdown(hard);
    this.model.shutdown();
  }

  stall(ms: number): void {
    this.world.clock.stallMs(ms);
    this.stalledUs += ms * 1000;
  }

  async pass(ms: number): Promise<void> {
    await this.world.pass(ms, () => this.reconcile());
  }

  /** Lets the model know what only time decides: which holds have lapsed, which closing pins have closed, and which lines have failed. */
  reconcile(): void {
    for (const { name, id } of lines) {
      this.#reconcileLapses(name);
      this.#checkActiveTime(name, id);
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

  /** A hold lapses when its client has been silent for its time, not before, and after it only as late as the world was. */
  #reconcileLapses(name: string): void {
    const nowUs = this.world.clock.nowUs();
    for (const { client, number } of this.world.clients) {
      const hold = this.model.pins.get(name)?.holders.get(number);
      if (hold === undefined) continue;
      const dueUs = this.model.dueUs(number, hold);
      if (client.lapsed.has(name)) {
        assert(dueUs !== null && nowUs >= dueUs, "a hold lapses before its time");
        this.model.lapse(number, name);
      } else if (client.pins.size > 0) {
        const held = [...client.pins].some((pin) => pin.name === name);
        assert(!held || dueUs === null || nowUs <= dueUs + 2 * this.stalledUs, "a hold outlives its heartbeat");
      }
    }
  }

  /** An output is never active for longer than it may be. */
  #checkActiveTime(name: string, id: { chip: string; offset: number }): void {
    const shown = this.world.shown(name);
    if (this.world.sim.level(id) === 0 || shown?.direction !== "out" || this.fragile.has(name)) {
      this.#activeSinceUs.delete(name);
      return;
    }
    const nowUs = this.world.clock.nowUs();
    const { maxOnMs } = shown.settings ?? assert.fail("an open line has settings");
    const changedUs = Number(this.world.sim.trace(id).at(-1)?.timestampNs ?? 0n) / 1000;
    const sinceUs = Math.max(this.#activeSinceUs.get(name) ?? nowUs, changedUs);
    this.#activeSinceUs.set(name, sinceUs);
    if (maxOnMs === null || this.stalledUs > 0) return;
    assert(nowUs - sinceUs <= maxOnMs * 1000, `${name} was active for ${nowUs - sinceUs} µs of ${maxOnMs} ms`);
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
    // What the world itself has broken is told.
    assert.deepEqual(
      world.defects.filter((defect) => !defect.startsWith("the line can't be used any more")),
      [],
    );
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
    const seen = open.map(({ pin, direction, mode, state, unowned, holders, settings }) => ({
      pin,
      direction,
      mode,
      closeLevel: direction === "out" ? settings?.closeLevel : "off",
      maxOnMs: settings?.maxOnMs,
      closing: state === "closing",
      unowned,
      holders: holders.map(({ client, share, onDisconnect, heartbeatMs }) => ({ client, share, onDisconnect, heartbeatMs })),
    }));
    const wanted = [...model.pins].map(([pin, { settings, closing, holders }]) => ({
      pin,
      direction: settings.direction,
      mode: settings.mode,
      closeLevel: settings.direction === "out" ? settings.closeLevel : "off",
      maxOnMs: settings.maxOnMs,
      closing,
      unowned: holders.size === 0 && !closing,
      holders: [...holders].map(([client, { sinceUs: _sinceUs, ...hold }]) => ({ client, ...hold })),
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
