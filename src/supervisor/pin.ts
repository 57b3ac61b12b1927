import { isDeepStrictEqual } from "node:util";
import type { CancelReason } from "../../actors/pin.ts";
import { timestampNs } from "../clock/clock.ts";
import type { Line, LineListener } from "../gpio/backend.ts";
import type { NamedLine } from "../gpio/pin-names.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { PinState, ReplyOf } from "../protocol/replies.ts";
import type { CommandRequest, Level, Mode, OnDisconnect, RequestOf } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import { withDetails } from "./error-details.ts";
import { Input } from "./input.ts";
import { Output } from "./output.ts";
import { assertAgrees, assertEndsOff, assertFits, changedSettings, lineSettings, type PinSettings, settingsOf } from "./pin-settings.ts";
import type { Surroundings } from "./surroundings.ts";
import type { TenantHooks } from "./tenant.ts";
import { Watches } from "./watches.ts";

/** One client's hold on a pin. */
export interface Holder {
  readonly client: Client;
  readonly share: boolean;
  readonly sinceUs: number;
  onDisconnect: OnDisconnect;
}

/** What `gpioinfo` shows of our lines. */
const CONSUMER = "holdfast";

/** An open line: who holds it, how it is set, who watches it. Requested once, released once, whatever its clients do. */
export class Pin {
  readonly #surroundings: Surroundings;
  readonly #line: Line;
  readonly #holders = new Map<Client, Holder>();
  readonly #watches: Watches;
  /** Who waits for the end; null: it has come. */
  #whenClosed: Set<() => void> | null;
  readonly #hooks: TenantHooks;
  #settings: PinSettings;
  #tenant: Output | Input;
  /** The number of the last command that a former tenant took: a number means one command for as long as the pin is open. */
  #lastCommand = 0;
  /** Whose `close` the pin is closing for; null: it is closing for another reason, or not at all. */
  #closer: Client | null = null;

  /**
   * Requests the line; the client holds it.
   * @param changed is told whenever the state or the command may have changed
   * @param closed is told when the line has been given back
   * @throws HoldfastError `LIMIT_ON`, what `GpioBackend.request` throws
   */
  constructor(
    readonly named: NamedLine,
    request: RequestOf<"open">,
    client: Client,
    surroundings: Surroundings,
    changed: (pin: Pin) => void,
    closed: (pin: Pin) => void,
  ) {
    this.#surroundings = surroundings;
    this.#watches = new Watches(named.pin, (any) => {
      if (this.#tenant instanceof Output) this.#tenant.watched = any;
    });
    this.#settings = settingsOf(request);
    assertEndsOff(named.pin, this.#settings, surroundings.limits);
    this.#whenClosed = new Set([() => closed(this)]);
    this.#hooks = {
      changed: () => changed(this),
      edge: (level, atNs, lost) => this.#edge(level, atNs, lost),
      failed: (error) => this.#fail(error),
      closed: () => this.#end(),
    };
    const settings = lineSettings(this.#settings, this.#settings.initial);
    const listener: LineListener = {
      edge: (edge) => {
        if (this.#tenant instanceof Input) this.#tenant.edge(edge);
      },
      fail: (error) => this.#fail(error),
    };
    this.#line = this.#naming(() => surroundings.backend.request(named.id, settings, CONSUMER, listener));
    try {
      this.#tenant = this.#newTenant(this.#settings, request.mode ?? "wait");
    } catch (error) {
      this.#line.release(() => {});
      throw error;
    }
    this.#hold(client, request);
  }

  get name(): string {
    return this.named.pin;
  }

  get settings(): PinSettings {
    return this.#settings;
  }

  get tenant(): Output | Input {
    return this.#tenant;
  }

  get holders(): readonly Holder[] {
    return [...this.#holders.values()];
  }

  get state(): PinState {
    return this.#tenant.state;
  }

  get closing(): boolean {
    return this.state === "closing";
  }

  /** Open and held by nobody: whoever opens it next adopts it. */
  get unowned(): boolean {
    return this.#holders.size === 0 && !this.closing;
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
    if (this.#holders.has(client)) {
      throw new HoldfastError("PIN_ALREADY_OPEN", `this client has ${this.name} open already`, { field: "pin", pin: this.name });
    }
    const shares = this.#tenant.direction === "in" || (request.share === true && this.holders.every(({ share }) => share));
    if (!shares && this.#holders.size > 0) throw this.#busy();
    assertAgrees(this.name, this.#settings, this.#tenant.level, request);
    if (request.mode !== undefined && request.mode !== this.#tenant.mode) {
      throw new HoldfastError("PIN_CONFLICT", `${this.name} is open with mode ${this.#tenant.mode}, not ${request.mode}`, {
        field: "mode",
        pin: this.name,
        open: this.#tenant.mode,
      });
    }
    this.#hold(client, request);
  }

  /**
   * @throws HoldfastError `PIN_NOT_OPEN`, `PIN_BUSY`, `PIN_CLOSING`, `PIN_DIRECTION`, `LIMIT_QUEUE`
   */
  command(client: Client, request: CommandRequest): ReplyOf<CommandRequest["op"]> | Promise<ReplyOf<CommandRequest["op"]>> {
    return this.#output(client, request.op).perform(request, client);
  }

  /** @throws HoldfastError as `command` does, but for `LIMIT_QUEUE` */
  setMode(client: Client, { mode }: RequestOf<"mode">): void {
    this.#output(client, "mode").setMode(mode);
  }

  /**
   * While others hold the pin, only one's own commands.
   * @throws HoldfastError `PIN_NOT_OPEN`, `PIN_BUSY`, `PIN_CLOSING`, `PIN_DIRECTION`, `COMMAND_UNKNOWN`
   */
  cancel(client: Client, { command }: RequestOf<"cancel">): number {
    if (this.closing && this.#holders.size === 0) this.#assertMayEnd(client);
    else this.#assertHolds(client);
    return this.#asOutput("cancel").cancel(command, this.#holders.size > 1 ? client : null);
  }

  /**
   * Changes the settings of a pin that this client holds alone. Nothing is released and requested again.
   * @throws HoldfastError `PIN_NOT_OPEN`, `PIN_BUSY`, `PIN_CLOSING`, `PIN_DIRECTION`, `PIN_CONFLICT`, and the backend's
   */
  configure(client: Client, request: RequestOf<"configure">): void {
    this.#assertHolds(client);
    this.#assertNotClosing();
    if (this.#holders.size > 1) throw this.#busy(client);
    const settings = changedSettings(this.#settings, request);
    assertFits(this.name, this.#settings, settings, request);
    assertEndsOff(this.name, settings, this.#surroundings.limits);
    const turned = settings.direction !== this.#settings.direction;
    if (turned && this.#tenant instanceof Output && this.#tenant.busy) {
      throw new HoldfastError("PIN_CONFLICT", `${this.name} still runs commands: cancel them or let them end before it becomes an input`, {
        field: "direction",
        pin: this.name,
      });
    }
    const change = (level: Level) => {
      this.#reconfigure(settings, level);
      if (turned) this.#turn(settings, level, request.mode);
      else this.#settings = settings;
    };
    if (this.#tenant instanceof Output) this.#tenant.undisturbed(change);
    else change(settings.initial);
    if (!turned && this.#tenant instanceof Output) {
      this.#tenant.closeLevel = settings.closeLevel;
      this.#tenant.frequencyHz = settings.frequencyHz;
      if (request.mode !== undefined) this.#tenant.setMode(request.mode);
    }
    const holder = this.#holders.get(client);
    if (holder !== undefined && request.onDisconnect !== undefined) holder.onDisconnect = request.onDisconnect;
  }

  /** The level now. @throws HoldfastError `PIN_CLOSING`, `LINE_LOST`, `LINE_FAILED` */
  read(): ReplyOf<"read"> {
    if (this.#tenant.released) throw this.closingError();
    const level = this.#level();
    return { level, value: this.#tenant.value, state: this.state, timestampNs: timestampNs(this.#surroundings.clock) };
  }

  /** @throws HoldfastError `PIN_NOT_OPEN`, `PIN_BUSY`, `PIN_CLOSING`, `LIMIT_SUBSCRIPTIONS`, `LINE_LOST` */
  watch(client: Client, { edge = "both" }: RequestOf<"watch">): ReplyOf<"watch"> {
    this.#assertHolds(client);
    this.#assertNotClosing();
    const level = this.#level();
    return { sub: this.#watches.add(client, edge), level };
  }

  /**
   * A client closes its hold; the last one closes the pin. A pin that nobody holds may be closed by anyone, but one that is
   * closing for a client which is still there by that one only.
   * @param closed is told when that has happened
   * @returns what to call if nobody wants to be told any more
   * @throws HoldfastError `PIN_BUSY`, `PIN_CLOSING`
   */
  close(client: Client, hard: boolean, closed: () => void): () => void {
    if (this.#holders.size > 0) this.#assertHolds(client);
    else this.#assertMayEnd(client);
    this.#dropHold(client);
    if (this.#holders.size > 0) {
      if (hard && this.#tenant instanceof Output) this.#tenant.cancel(undefined, client);
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
    const stays = this.#holders.get(client)?.onDisconnect === "stay";
    this.#dropHold(client);
    if (this.#holders.size > 0 || stays) return false;
    this.shut(null);
    return true;
  }

  /** Gives the line back: softly, or at once for a reason. */
  shut(reason: CancelReason | null): void {
    if (reason === null) this.#tenant.close();
    else this.#tenant.abort(reason);
  }

  #hold(client: Client, { share = false, onDisconnect = "close" }: RequestOf<"open">): void {
    this.#holders.set(client, { client, share, onDisconnect, sinceUs: this.#surroundings.clock.nowUs() });
    client.pins.add(this);
  }

  #dropHold(client: Client): void {
    this.#holders.delete(client);
    client.pins.delete(this);
    this.#watches.end("CLOSED", client);
  }

  /** The level of the line now. */
  #level(): Level {
    return this.#naming(() => this.#line.get());
  }

  /** Asks the kernel for other settings only if it has to do with what has changed. A driver may refuse even those that it has. */
  #reconfigure(settings: PinSettings, level: Level): void {
    const [before, after] = [this.#settings, settings].map((each) => lineSettings(each, level));
    if (!isDeepStrictEqual(before, after)) this.#naming(() => this.#line.reconfigure(lineSettings(settings, level)));
  }

  /** Asks something of the line. What it refuses is about the field that names it. */
  #naming<T>(ask: () => T): T {
    return withDetails({ field: "pin", pin: this.name }, ask);
  }

  #newTenant({ initial, closeLevel, frequencyHz, direction }: PinSettings, mode: Mode): Output | Input {
    if (direction === "in") return this.#naming(() => new Input(this.#line, this.#hooks));
    const settings = { pin: this.name, initial, mode, closeLevel, frequencyHz, lastCommand: this.#lastCommand };
    const output = new Output(this.#line, settings, this.#surroundings, this.#hooks);
    output.watched = this.#watches.any;
    return output;
  }

  /**
   * The line has another direction now, and gets another tenant.
   * @param level what it drove before, if it was an output
   */
  #turn(settings: PinSettings, level: Level, mode: Mode = "wait"): void {
    let next: Output | Input;
    try {
      next = this.#newTenant(settings, mode);
    } catch (error) {
      this.#line.reconfigure(lineSettings(this.#settings, level));
      throw error;
    }
    if (this.#tenant instanceof Output) this.#lastCommand = this.#tenant.lastCommand;
    this.#tenant.retire();
    this.#tenant = next;
    this.#settings = settings;
    this.#hooks.changed();
  }

  /** The line has been given back: nobody holds or watches it any more. */
  #end(): void {
    for (const client of [...this.#holders.keys()]) this.#dropHold(client);
    const waiting = this.#whenClosed ?? new Set();
    this.#whenClosed = null;
    for (const tell of waiting) tell();
  }

  #edge(level: Level, atNs: bigint, lost: number): void {
    const { tally } = this.#surroundings;
    if (this.#tenant.direction === "in") tally.edges += 1;
    tally.lostEvents += lost;
    this.#watches.tell(level, atNs, lost);
  }

  /** The line is gone: its commands end, its watches end, and what is left of it is given back. */
  #fail(error: HoldfastError): void {
    this.#watches.end(error.code);
    this.shut("LINE_LOST");
  }

  #output(client: Client, op: string): Output {
    this.#assertHolds(client);
    this.#assertNotClosing();
    return this.#asOutput(op);
  }

  #asOutput(op: string): Output {
    if (this.#tenant instanceof Output) return this.#tenant;
    throw new HoldfastError("PIN_DIRECTION", `${this.name} is an input; ${op} is for outputs`, { field: "pin", pin: this.name });
  }

  #assertHolds(client: Client): void {
    if (this.#holders.has(client)) return;
    if (this.closing) throw this.closingError();
    if (this.#holders.size > 0) throw this.#busy();
    throw new HoldfastError("PIN_NOT_OPEN", `${this.name} is open and held by nobody; open it to adopt it`, {
      field: "pin",
      pin: this.name,
    });
  }

  /** What a client has closed is its own until it has gone, for what it has commanded is still to run. */
  #assertMayEnd(client: Client): void {
    if (this.#closer !== null && this.#closer !== client && this.#closer.state === "connected") throw this.closingError();
  }

  #assertNotClosing(): void {
    if (this.closing) throw this.closingError();
  }

  /** Why a closing pin takes nothing. */
  closingError(): HoldfastError {
    const { remainingMs } = this.#tenant;
    return new HoldfastError("PIN_CLOSING", `${this.name} is closing; what it still has to do takes ${Math.ceil(remainingMs)} ms`, {
      field: "pin",
      pin: this.name,
      remainingMs,
    });
  }

  #busy(but?: Client): HoldfastError {
    const holder = this.holders.find(({ client }) => client !== but) as Holder;
    const heldMs = (this.#surroundings.clock.nowUs() - holder.sinceUs) / 1000;
    const held = heldMs < 1000 ? "just now" : `for ${Math.floor(heldMs / 1000)} s`;
    const { client } = holder;
    return new HoldfastError("PIN_BUSY", `${this.name} is held by ${client.label} ${held}`, {
      field: "pin",
      pin: this.name,
      holder: client.name,
      client: client.number,
      pid: client.peer.pid,
      heldMs,
    });
  }
}
