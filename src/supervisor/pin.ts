import { isDeepStrictEqual } from "node:util";
import type { CancelReason } from "../../actors/pin.ts";
import { timestampNs } from "../clock/clock.ts";
import type { Edge } from "../gpio/backend.ts";
import { levelAt } from "../gpio/levels.ts";
import type { NamedPin } from "../gpio/named-pin.ts";
import type { NamedLine } from "../gpio/pin-names.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { PinState, ReplyOf } from "../protocol/replies.ts";
import type { CommandRequest, RequestOf } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import { withDetails } from "./error-details.ts";
import { type Hold, Holds } from "./holds.ts";
import type { Input } from "./input.ts";
import { OpenLine } from "./open-line.ts";
import { Output } from "./output.ts";
import {
  assertAgrees,
  assertAllowed,
  assertFits,
  assertOneForEach,
  changedSettings,
  outlasts,
  type PinBounds,
  type PinSettings,
  settingsOf,
} from "./pin-settings.ts";
import type { Subscription } from "./subscription.ts";
import type { Surroundings } from "./surroundings.ts";
import { toldLevels } from "./told-levels.ts";
import { Watches } from "./watches.ts";

/** Who is told of what becomes of a pin. */
export interface PinListener {
  /** The state or the command may have changed, by this event. */
  changed(pin: Pin, event: string): void;
  /** The line has been given back. */
  closed(pin: Pin): void;
}

/** An open line, or group of lines, and what its clients may do with it. Requested once, released once, whatever they do. */
export class Pin {
  readonly #surroundings: Surroundings;
  readonly #line: OpenLine;
  readonly #holds: Holds;
  readonly #watches: Watches;
  /** Who waits for the end; null: it has come. */
  #whenClosed: Set<() => void> | null;
  #named: NamedPin;
  #bounds: PinBounds;
  /** The least that its clients have asked for as the longest time active, in ms; Infinity: they have not. */
  #askedMaxOnMs = Number.POSITIVE_INFINITY;
  /** Whose `close` the pin is closing for; null: it is closing for another reason, or not at all. */
  #closer: Client | null = null;

  /**
   * Requests the line; the client holds it.
   * @throws HoldfastError `LIMIT_ON`, `PIN_CONFLICT`, what `requestLine` throws
   */
  constructor(
    named: NamedPin,
    bounds: PinBounds,
    request: RequestOf<"open">,
    client: Client,
    surroundings: Surroundings,
    listener: PinListener,
  ) {
    this.#named = named;
    this.#bounds = bounds;
    this.#noteAsked(request);
    this.#surroundings = surroundings;
    this.#holds = new Holds(named.pin, surroundings.clock);
    this.#watches = new Watches(named, surroundings.clock, (any) => {
      this.#line.watched = any;
    });
    this.#whenClosed = new Set([() => listener.closed(this)]);
    this.#assertFitting(request);
    const settings = settingsOf(request, bounds);
    assertAllowed(named.pin, settings, bounds, request);
    this.#line = new OpenLine(named, settings, bounds.pwm, request.mode ?? "wait", surroundings, {
      changed: (event) => listener.changed(this, event),
      edge: (edge) => this.#edge(edge),
      failed: (error) => this.#fail(error),
      closed: () => this.#end(),
    });
    this.#hold(client, request);
  }

  get name(): string {
    return this.named.pin;
  }

  get named(): NamedPin {
    return this.#named;
  }

  /** What no client may go beyond. */
  get bounds(): PinBounds {
    return this.#bounds;
  }

  /**
   * Takes what the configuration says anew. How long it may be active changes at once, and so does the closing level, where the configuration says
   * one; where it says none any more, that stays as it is. A pin that may be active for so long only can't be left active. What the line was
   * requested as, it stays.
   * @param named the same lines, with the names that they have now
   */
  rebind(named: NamedPin, bounds: PinBounds): void {
    const maxOnMs = Math.min(this.#askedMaxOnMs, bounds.maxOnMs);
    const wanted = bounds.closeLevel ?? this.settings.closeLevel;
    const closeLevel = outlasts(wanted, maxOnMs) ? "off" : wanted;
    this.#named = named;
    this.#bounds = { ...bounds, closeLevel: bounds.closeLevel && closeLevel, pwm: this.#bounds.pwm };
    this.#line.limit({ maxOnMs, closeLevel });
  }

  /** The place of one of its lines. */
  indexOf({ id }: NamedLine): number {
    return this.named.lines.findIndex((line) => line.id.offset === id.offset);
  }

  get settings(): PinSettings {
    return this.#line.settings;
  }

  get tenant(): Output | Input {
    return this.#line.tenant;
  }

  get holders(): readonly Hold[] {
    return this.#holds.all;
  }

  get state(): PinState {
    return this.tenant.state;
  }

  get closing(): boolean {
    return this.state === "closing";
  }

  /** Open and held by nobody: whoever opens it next adopts it. */
  get unowned(): boolean {
    return this.#holds.size === 0 && !this.closing;
  }

  /** How many wait for the end. */
  get waiting(): number {
    return this.#whenClosed === null ? 0 : this.#whenClosed.size - 1;
  }

  /**
   * Calls back once the line has been given back: at once when it has been already.
   * @returns what to call if nobody waits for it any more
   */
  whenClosed(tell: () => void): () => void {
    const waiting = this.#whenClosed;
    const waiter = () => tell();
    if (waiting === null) tell();
    else waiting.add(waiter);
    return () => void waiting?.delete(waiter);
  }

  /**
   * One more client holds the pin, or adopts it.
   * @throws HoldfastError `PIN_ALREADY_OPEN`, `PIN_BUSY`, `PIN_CONFLICT`
   */
  admit(client: Client, request: RequestOf<"open">): void {
    const { tenant } = this;
    this.#assertFitting(request);
    this.#holds.assertRoomFor(client, request, tenant.direction === "in");
    const holder = this.#holds.all[0]?.client.name ?? null;
    withDetails({ holder }, () => assertAgrees(this.named, this.settings, tenant.level, request, this.bounds));
    if (request.mode !== undefined && request.mode !== tenant.mode) {
      throw new HoldfastError("PIN_CONFLICT", `${this.name} is open with mode ${tenant.mode}, not ${request.mode}`, {
        field: "mode",
        pin: this.name,
        open: tenant.mode,
        holder,
      });
    }
    this.#hold(client, request);
    this.#noteAsked(request);
  }

  /**
   * @throws HoldfastError `PIN_NOT_OPEN`, `PIN_BUSY`, `PIN_CLOSING`, `PIN_DIRECTION`, `BAD_FIELD`, `LIMIT_QUEUE`
   */
  command(client: Client, request: CommandRequest): ReplyOf<CommandRequest["op"]> | Promise<ReplyOf<CommandRequest["op"]>> {
    const output = this.#output(client, request.op);
    this.#assertFitting(request);
    return output.perform(request, client);
  }

  /** @throws HoldfastError as `command` does, but for `BAD_FIELD` and `LIMIT_QUEUE` */
  setMode(client: Client, { mode }: RequestOf<"mode">): void {
    this.#output(client, "mode").setMode(mode);
  }

  /**
   * While others hold the pin, only one's own commands.
   * @throws HoldfastError `PIN_NOT_OPEN`, `PIN_BUSY`, `PIN_CLOSING`, `PIN_DIRECTION`, `COMMAND_UNKNOWN`
   */
  cancel(client: Client, { command }: RequestOf<"cancel">): number {
    if (this.closing && this.#holds.size === 0) this.#assertMayEnd(client);
    else this.#assertHolds(client);
    return this.#asOutput("cancel").cancel(command, this.#holds.size > 1 ? client : null);
  }

  /**
   * Changes the settings of a pin that this client holds alone; a client that is not alone may say what they are. Nothing is released and
   * requested again.
   * @throws HoldfastError `PIN_NOT_OPEN`, `PIN_BUSY`, `PIN_CLOSING`, `PIN_DIRECTION`, `PIN_CONFLICT`, `LIMIT_ON`, and the backend's
   */
  configure(client: Client, request: RequestOf<"configure">): void {
    const hold = this.#assertHolds(client);
    this.#assertNotClosing();
    this.#assertFitting(request);
    const settings = changedSettings(this.settings, request, this.bounds);
    const isNoChange = isDeepStrictEqual(settings, this.settings) && (request.mode ?? this.tenant.mode) === this.tenant.mode;
    assertFits(this.name, this.settings, settings, request);
    if (this.#holds.size > 1 && !isNoChange) throw this.#holds.busy(client);
    assertAllowed(this.name, settings, this.bounds, request);
    this.#line.change(settings, request.mode);
    if (!this.#line.watchable) this.#watches.end("LINE_UNSUPPORTED");
    this.#noteAsked(request);
    hold.onDisconnect = request.onDisconnect ?? hold.onDisconnect;
  }

  /** The levels now. @param of only that of this line @throws HoldfastError `PIN_CLOSING`, `LINE_LOST`, `LINE_FAILED` */
  read(of?: NamedLine): ReplyOf<"read"> {
    if (this.tenant.released) throw this.closingError();
    const levels = this.#line.level();
    const { lines } = this.named;
    const told = of === undefined ? toldLevels(levels, lines.length) : { level: levelAt(levels, this.indexOf(of)) };
    return {
      pin: of?.pin ?? this.name,
      ...told,
      value: this.tenant.value,
      state: this.state,
      timestampNs: timestampNs(this.#surroundings.clock),
    };
  }

  /** @throws HoldfastError `PIN_NOT_OPEN`, `PIN_BUSY`, `PIN_CLOSING`, `LIMIT_SUBSCRIPTIONS`, `LINE_UNSUPPORTED`, `LINE_LOST` */
  watch(client: Client, request: RequestOf<"watch">): ReplyOf<"watch"> {
    this.#assertHolds(client);
    this.#assertNotClosing();
    if (!this.#line.watchable) throw this.#unwatchable();
    const levels = this.#line.level();
    return { sub: this.#watches.add(client, request), ...toldLevels(levels, this.named.lines.length) };
  }

  /** These traces are told of its edges from now on, and no others. @throws HoldfastError `LINE_FAILED`, `LINE_LOST` */
  trace(subscriptions: readonly Subscription[]): void {
    if (!this.tenant.released) this.#watches.trace(subscriptions);
  }

  /**
   * A client closes its hold; the last one closes the pin. A pin that nobody holds may be closed by anyone, but one that is
   * closing for a client which is still there by that one only.
   * @param closed is told when that has happened
   * @returns what to call if nobody wants to be told any more
   * @throws HoldfastError `PIN_BUSY`, `PIN_CLOSING`
   */
  close(client: Client, hard: boolean, closed: () => void): () => void {
    if (this.#holds.size > 0) this.#assertHolds(client);
    else this.#assertMayEnd(client);
    this.#dropHold(client);
    if (this.#holds.size > 0) {
      if (hard && this.tenant instanceof Output) this.tenant.cancel(undefined, client);
      closed();
      return () => {};
    }
    this.#closer = client;
    const cancel = this.whenClosed(closed);
    this.shut(hard ? "CLOSED" : null);
    return cancel;
  }

  /**
   * A client has gone.
   * @returns whether the pin is closing for that
   */
  leave(client: Client): boolean {
    const stays = this.#holds.of(client)?.onDisconnect === "stay";
    this.#dropHold(client);
    if (this.#holds.size > 0 || stays) return false;
    this.shut(null);
    return true;
  }

  /** Gives the line back: softly, or at once for a reason. */
  shut(reason: CancelReason | null): void {
    if (reason === null) this.tenant.close();
    else this.tenant.abort(reason);
  }

  /** Why a closing pin takes nothing. */
  closingError(): HoldfastError {
    const { remainingMs } = this.tenant;
    const closer = this.#closer?.state === "connected" ? this.#closer : null;
    const closing = closer === null ? "is closing" : `is closing for ${closer.label}`;
    return new HoldfastError("PIN_CLOSING", `${this.name} ${closing}; what it still has to do takes ${Math.ceil(remainingMs)} ms`, {
      field: "pin",
      pin: this.name,
      closer: closer?.name ?? null,
      remainingMs,
    });
  }

  #noteAsked({ maxOnMs = Number.POSITIVE_INFINITY }: RequestOf<"open" | "configure">): void {
    this.#askedMaxOnMs = Math.min(this.#askedMaxOnMs, maxOnMs);
  }

  #hold(client: Client, request: RequestOf<"open">): void {
    this.#holds.add(client, request, (heartbeatMs) => this.#lapse(client, heartbeatMs));
    client.pins.add(this);
    client.lapsed.delete(this.name);
  }

  #dropHold(client: Client, reason: "CLOSED" | "HOLD_LOST" = "CLOSED"): void {
    this.#holds.drop(client);
    client.pins.delete(this);
    this.#watches.end(reason, client);
  }

  /** A client that wanted to be heard of was silent: its hold ends as if it had gone, and does not stay. */
  #lapse(client: Client, heartbeatMs: number): void {
    const { log, tally } = this.#surroundings;
    log.info({ pin: this.name, client: client.name, heartbeatMs }, "a client was silent and holds its pin no more");
    tally.holdsLost += 1;
    client.lapsed.set(this.name, heartbeatMs);
    this.#dropHold(client, "HOLD_LOST");
    if (this.#holds.size === 0) this.shut(null);
  }

  /** The line has been given back: nobody holds or watches it any more. */
  #end(): void {
    for (const { client } of this.#holds.all) this.#dropHold(client);
    const waiting = this.#whenClosed ?? new Set();
    this.#whenClosed = null;
    for (const tell of waiting) tell();
  }

  #edge(edge: Edge): void {
    const { tally } = this.#surroundings;
    if (this.tenant.direction === "in") tally.edges += 1;
    tally.lostEvents += edge.lost;
    this.#watches.tell(edge);
  }

  /** The line is gone: its commands end, its watches end, and what is left of it is given back. */
  #fail(error: HoldfastError): void {
    this.#surroundings.log.warn({ err: error, pin: this.name }, "the line can't be used any more");
    this.#watches.end(error.code);
    this.shut("LINE_LOST");
  }

  #output(client: Client, op: string): Output {
    this.#assertHolds(client);
    this.#assertNotClosing();
    return this.#asOutput(op);
  }

  #asOutput(op: string): Output {
    if (this.tenant instanceof Output) return this.tenant;
    throw new HoldfastError("PIN_DIRECTION", `${this.name} is an input; ${op} is for outputs`, { field: "pin", pin: this.name });
  }

  /** What a request says of each line it says of all. @throws HoldfastError `BAD_FIELD` */
  #assertFitting(request: CommandRequest | RequestOf<"open" | "configure">): void {
    if ("initial" in request && typeof request.initial === "object") assertOneForEach(this.named, "initial", request.initial);
    if (request.op === "write") assertOneForEach(this.named, "levels", request.levels);
    if (request.op !== "pattern") return;
    for (const [index, { levels }] of request.steps.entries()) {
      if (levels !== undefined) assertOneForEach(this.named, `steps.${index}.levels`, levels);
    }
  }

  #unwatchable(): HoldfastError {
    const { backend } = this.#surroundings;
    return new HoldfastError("LINE_UNSUPPORTED", `${this.name}: the backend "${backend.name}" can't tell edges of inputs; read its level`, {
      field: "pin",
      pin: this.name,
    });
  }

  #assertHolds(client: Client): Hold {
    const hold = this.#holds.of(client);
    if (hold !== undefined) return hold;
    client.assertNotLapsed(this.name);
    if (this.closing) throw this.closingError();
    throw this.#holds.refusal();
  }

  /** What a client has closed is its own until it has gone, for what it has commanded is still to run. */
  #assertMayEnd(client: Client): void {
    if (this.#closer !== null && this.#closer !== client && this.#closer.state === "connected") throw this.closingError();
  }

  #assertNotClosing(): void {
    if (this.closing) throw this.closingError();
  }
}
