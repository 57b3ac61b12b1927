import type { Clock } from "../../clock/clock.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import { DEFAULT_PWM_HZ } from "../../protocol/limits.ts";
import type { Event, PinInfo, ReplyOf } from "../../protocol/replies.ts";
import type { Bias, Fields, Level, Op, Request, RequestOf } from "../../protocol/requests.ts";
import type { Client, Peer } from "../../supervisor/client.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import type { Log } from "../../supervisor/surroundings.ts";

/** What the parts of the listener share. */
export interface Surroundings {
  readonly supervisor: Supervisor;
  /** Whom all pigpio programs are taken for. */
  readonly peer: Peer;
  /** Asks what needs no pin: it is there for as long as the listener. */
  readonly lobby: Client;
  readonly clock: Clock;
  readonly log: Log;
}

/** A program that uses pins: its connection. */
export interface User {
  /** How the log names it. */
  readonly label: string;
}

/** Who is told what becomes of a pin. */
export interface SeatListener {
  /** It is open, and nobody had it before: whatever it did is over. */
  opened(): void;
  /** @param timestampNs on CLOCK_MONOTONIC, ns */
  edge(level: Level, timestampNs: bigint): void;
}

/** What of a pin's settings pigpio's commands change. */
interface Settings {
  readonly bias: Bias;
  readonly debounceUs: number;
  readonly frequencyHz: number;
}

/** How long to wait for a pin that another client, or the program before this one, has just closed, in ms. */
const CLOSING_MS = 1000;

/**
 * The hold that pigpio programs have together on one pin, as one client of the supervisor: among themselves they own nothing. It lasts for as long
 * as one of them uses the pin. An output then stays as it is, and its next opener adopts it; an input is closed.
 */
export class Seat {
  readonly #around: Surroundings;
  readonly #listener: SeatListener;
  readonly #users = new Set<User>();
  #client: Client | null = null;
  #direction: "in" | "out" = "in";
  /** Levels here are the voltage: another client may have opened the pin as one that is active at 0 V. */
  #activeLow = false;
  #settings: Partial<Settings> = {};
  /** The number of the watch; null: it is not watched. */
  #watch: number | null = null;

  /** @param pin its name */
  constructor(
    readonly pin: string,
    around: Surroundings,
    listener: SeatListener,
  ) {
    this.#around = around;
    this.#listener = listener;
  }

  /** The direction that it has; null: no pigpio program uses it, or it has been lost. */
  get direction(): "in" | "out" | null {
    return this.#client !== null && this.#client.pins.size > 0 ? this.#direction : null;
  }

  /** What the supervisor shows of the pin while somebody has it open. */
  get info(): PinInfo | undefined {
    return status(this.#around).pins.find(({ pin, names, members }) => (members ?? [pin, ...names]).includes(this.pin));
  }

  /**
   * A program uses the pin from now on, in this direction.
   * @param level what the line drives when it becomes an output
   * @throws HoldfastError as `open` and `configure` do
   */
  async take(user: User, direction: "in" | "out", level: Level = 0): Promise<void> {
    if (this.direction === null) await this.#open(direction, level);
    try {
      if (this.#direction !== direction) this.#turn(direction, level);
      this.#users.add(user);
    } catch (error) {
      if (this.#users.size === 0) this.#letGo();
      throw error;
    }
  }

  /** A program has gone. @returns whether it used the pin */
  leave(user: User): boolean {
    const used = this.#users.delete(user);
    if (used && this.#users.size === 0) this.#letGo();
    return used;
  }

  /** Changes settings, if they are others than before. @throws HoldfastError as `configure` does: `PIN_BUSY` when other clients hold the pin, too */
  set(settings: Partial<Settings>): void {
    const known = this.#settings;
    const changed = Object.fromEntries(Object.entries(settings).filter(([name, value]) => known[name as keyof Settings] !== value));
    if (Object.keys(changed).length === 0) return;
    this.#ask("configure", changed);
    this.#settings = { ...known, ...changed };
  }

  /** Drives the line. @throws HoldfastError as `on` and `off` do */
  write(level: Level, durationMs?: number): void {
    this.#ask(this.#turned(level) === 1 ? "on" : "off", { mode: "nowait", ...(durationMs !== undefined && { durationMs }) });
  }

  /** Drives the line when what it does now is over. @throws HoldfastError as `on` and `off` do */
  writeNext(level: Level): void {
    this.#ask(this.#turned(level) === 1 ? "on" : "off", { mode: "wait" });
  }

  /** Modulates the line. @param duty the share of a period at high voltage @throws HoldfastError as `value` does */
  modulate(duty: number): void {
    this.#ask("value", { value: this.#activeLow ? 1 - duty : duty, mode: "nowait" });
  }

  /** The share of a period at high voltage that is commanded; null: a wave runs, or the line is no output. */
  get duty(): number | null {
    const { value } = this.direction === null ? (this.info ?? { value: null }) : (this.#ask("read", {}) as ReplyOf<"read">);
    return value !== null && this.#activeLow ? 1 - value : value;
  }

  /** The level now. @throws HoldfastError as `read` does */
  read(): Level {
    const { level } = this.#ask("read", {}) as ReplyOf<"read">;
    return this.#turned(level ?? 0);
  }

  /** Tells the listener of edges from now on. @returns the level before them @throws HoldfastError as `watch` does */
  watch(): Level {
    if (this.#watch !== null) return this.read();
    const { sub, level } = this.#ask("watch", {}) as ReplyOf<"watch">;
    this.#watch = sub;
    return this.#turned(level ?? 0);
  }

  unwatch(): void {
    const sub = this.#watch;
    this.#watch = null;
    if (sub !== null && this.#client !== null) this.#request({ id: 0, op: "unwatch", sub });
  }

  async #open(direction: "in" | "out", level: Level): Promise<void> {
    const { info } = this;
    const found = info?.state === "closing" ? undefined : info;
    const as = found?.direction ?? direction;
    const fields: Fields<"open"> =
      as === "in"
        ? { pin: this.pin, direction: "in" }
        : { pin: this.pin, direction: "out", share: true, onDisconnect: "stay", ...(found === undefined && { initial: level }) };
    this.#letGo();
    const { supervisor, peer } = this.#around;
    const client = supervisor.attach(peer, { ready: true, deliver: (event) => this.#hear(event) });
    this.#client = client;
    const open = (how: Fields<"open">) => supervisor.request(client, { id: 0, op: "open", ...how, waitMs: CLOSING_MS });
    try {
      await asConfigured(fields, open);
    } catch (error) {
      this.#letGo();
      throw error;
    }
    this.#direction = as;
    if (found === undefined) this.#listener.opened();
    const settings = this.info?.settings;
    this.#activeLow = settings?.activeLow ?? false;
    this.#settings = {};
    if (settings)
      this.#settings = { bias: settings.bias, debounceUs: settings.debounceUs ?? 0, frequencyHz: settings.frequencyHz ?? DEFAULT_PWM_HZ };
  }

  /** Makes an input an output or the other way round, and drops what it still has to do. */
  #turn(direction: "in" | "out", level: Level): void {
    const turn: Omit<RequestOf<"configure">, "id" | "op" | "pin"> = direction === "in"
      ? { direction, onDisconnect: "close" }
      : { direction, onDisconnect: "stay", initial: this.#turned(level) };
    try {
      asConfigured(turn, (how) => this.#ask("configure", how));
    } catch (error) {
      const { code, details } = HoldfastError.from(error);
      // What the operator has said of the pin won't change by its commands' end.
      if (direction === "out" || code !== "PIN_CONFLICT" || details["configured"] !== undefined) throw error;
      this.#ask("cancel", {});
      this.#ask("configure", turn);
    }
    this.#direction = direction;
    const { bias } = this.#settings;
    this.#settings = { ...(bias !== undefined && { bias }), debounceUs: 0, frequencyHz: DEFAULT_PWM_HZ };
  }

  #letGo(): void {
    this.#watch = null;
    this.#client?.end();
    this.#client = null;
  }

  #hear(event: Event): void {
    if (event.sub !== this.#watch) return;
    if (event.ev === "edge") this.#listener.edge(this.#turned(event.level), event.timestampNs);
    if (event.ev === "end") this.#watch = null;
  }

  #turned(level: Level): Level {
    return this.#activeLow ? ((1 - level) as Level) : level;
  }

  #ask(op: Op, fields: object): unknown {
    return this.#request({ id: 0, op, pin: this.pin, ...fields } as Request);
  }

  #request(request: Request): unknown {
    if (this.#client === null) throw new HoldfastError("PIN_NOT_OPEN", `${this.pin} is not open`, { field: "pin", pin: this.pin });
    return this.#around.supervisor.request(this.#client, request);
  }
}

/** How things are, as far as pigpio programs may know. */
export function status({ supervisor, lobby }: Surroundings): ReplyOf<"status"> {
  return supervisor.request(lobby, { id: 0, op: "status" }) as ReplyOf<"status">;
}

/** The level of a line that pigpio programs need not use, as a voltage. @throws HoldfastError as `read` does */
export function readAnyLevel({ supervisor, lobby }: Surroundings, pin: string, activeLow: boolean): Level {
  const { level } = supervisor.request(lobby, { id: 0, op: "read", pin }) as ReplyOf<"read">;
  return ((level ?? 0) ^ (activeLow ? 1 : 0)) as Level;
}

/** Where the configuration says with which level a pin is opened, that is what it is: what the program wants it to have is commanded afterwards. */
function asConfigured<F extends { readonly initial?: unknown }, T>(fields: F, ask: (fields: F) => T): T {
  try {
    return ask(fields);
  } catch (error) {
    const { details } = HoldfastError.from(error);
    if (details.field !== "initial" || !("configured" in details)) throw error;
    return ask({ ...fields, initial: undefined });
  }
}
