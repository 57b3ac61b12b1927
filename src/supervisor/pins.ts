import { timestampNs } from "../clock/clock.ts";
import type { ChipInfo, LineId, LineListener, Simulation } from "../gpio/backend.ts";
import { type NamedLine, PinNames } from "../gpio/pin-names.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf, PinInfo, ReplyOf } from "../protocol/replies.ts";
import type { PinConfig, RequestOf } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import { ConfiguredPins } from "./configured-pins.ts";
import { withDetails } from "./error-details.ts";
import { Pin } from "./pin.ts";
import { pinInfo } from "./pin-info.ts";
import type { Subscription } from "./subscription.ts";
import type { Surroundings } from "./surroundings.ts";

/** Somebody who is told what a pin does. It belongs to the name and outlives open and close. */
interface Observation {
  readonly subscription: Subscription;
  told: string;
}

/** A line that is only read listens to nothing. */
const deaf: LineListener = { edge: () => {}, fail: () => {} };

/** Every line by its names, and the open ones. */
export class Pins {
  readonly #surroundings: Surroundings;
  readonly #open = new Map<string, Pin>();
  readonly #observations = new Map<string, Set<Observation>>();
  readonly #emptied: () => void;
  readonly #configured: ConfiguredPins;
  #names: PinNames;
  /** Every pin is closing for good, and none may be opened: neither by a request nor by one that has waited for a pin to close. */
  #shut = false;

  /**
   * @param configured what the configuration says of pins, by their names
   * @param emptied is told whenever the last open pin has closed
   * @throws HoldfastError `BAD_CONFIG`, what `GpioBackend.chips` throws
   */
  constructor(surroundings: Surroundings, configured: Readonly<Record<string, PinConfig>>, emptied: () => void) {
    this.#surroundings = surroundings;
    this.#emptied = emptied;
    this.#names = new PinNames(surroundings.backend.chips());
    this.#configured = new ConfiguredPins(configured, this.#names, surroundings);
  }

  /** The open pins. */
  get open(): readonly Pin[] {
    return [...this.#open.values()];
  }

  /** The open pin of that name, for a client that has opened it. @throws HoldfastError `PIN_UNKNOWN`, `PIN_AMBIGUOUS`, `PIN_NOT_OPEN`, `HOLD_LOST` */
  find(client: Client, name: string): Pin {
    const { named, pin } = this.#lookUp(name);
    if (pin === undefined) client.assertNotLapsed(named.pin);
    if (pin === undefined) throw new HoldfastError("PIN_NOT_OPEN", `${named.pin} is not open`, { field: "pin", pin: named.pin });
    return pin;
  }

  /**
   * A client opens a pin: the line is requested, or the client joins those who hold it.
   * @throws HoldfastError `SHUTTING_DOWN`, `PIN_UNKNOWN`, `PIN_AMBIGUOUS`, `PIN_CLOSING`, what `Pin.admit` and the backend throw
   */
  openFor(client: Client, request: RequestOf<"open">): ReplyOf<"open"> | Promise<ReplyOf<"open">> {
    if (this.#shut) throw new HoldfastError("SHUTTING_DOWN", "the supervisor is shutting down and opens no more pins");
    const { named, pin } = this.#lookUp(request.pin);
    if (pin === undefined) return this.#openAnew(named, client, request);
    if (pin.closing) {
      if (request.waitMs === undefined) throw pin.closingError();
      return this.#openOnceClosed(pin, client, request, request.waitMs);
    }
    pin.admit(client, request);
    this.#tell(pin.named, pin);
    return { pin: pin.name, state: pin.state };
  }

  /** The level of a line, open or not. @throws HoldfastError what `find`, `Pin.read` and the backend throw */
  read(name: string): ReplyOf<"read"> {
    const { named, pin } = this.#lookUp(name);
    if (pin !== undefined) return pin.read();
    const { backend, clock } = this.#surroundings;
    return withDetails({ field: "pin", pin: named.pin }, () => {
      const line = backend.request(named.id, { direction: "as-is" }, "holdfast read", deaf);
      try {
        return { level: line.get(), value: null, state: "closed", timestampNs: timestampNs(clock) };
      } finally {
        line.release(() => {});
      }
    });
  }

  /** @throws HoldfastError `PIN_UNKNOWN`, `PIN_AMBIGUOUS`, `LIMIT_SUBSCRIPTIONS` */
  observe(client: Client, name: string): ReplyOf<"observe"> {
    const { named, pin } = this.#lookUp(name);
    const at = key(named.id);
    const subscription = client.subscribe(() => this.#observations.get(at)?.delete(observation));
    const observation: Observation = { subscription, told: "" };
    const observations = this.#observations.get(at) ?? new Set();
    this.#observations.set(at, observations.add(observation));
    // The snapshot comes as the first event, after the reply that names the subscription.
    queueMicrotask(() => this.#tell(named, this.#open.get(at)));
    return { sub: subscription.number, state: pin?.state ?? "closed" };
  }

  /** Every line, open or not. @throws HoldfastError what `GpioBackend.chips` throws */
  all(): readonly PinInfo[] {
    const chips = this.#readChips();
    return this.#names
      .all()
      .map((named) => pinInfo(named, this.#open.get(key(named.id)), this.#surroundings.clock, usedBy(chips, named.id)));
  }

  /** Closes every pin, softly or at once. */
  shut(hard: boolean): void {
    this.#shut = true;
    for (const pin of this.open) pin.shut(hard ? "CLOSED" : null);
    if (this.#open.size === 0) this.#emptied();
  }

  /** The outside of simulated lines. @throws HoldfastError `NOT_SIMULATED` */
  get simulation(): Simulation {
    const { simulation } = this.#surroundings.backend;
    if (simulation === undefined) throw new HoldfastError("NOT_SIMULATED", "the chips of this supervisor are real");
    return simulation;
  }

  /**
   * Where a name leads.
   * @param field which field of the request says it
   * @throws HoldfastError `PIN_UNKNOWN`, `PIN_AMBIGUOUS`
   */
  locate(name: string, field = "pin"): LineId {
    return withDetails({ field }, () => this.#lookUp(name)).named.id;
  }

  /**
   * The line of that name, and its pin when it is open. Only an open pin is sure to be what its name meant when the chips were
   * read: where any other line was, there may be another chip by now.
   */
  #lookUp(name: string): { readonly named: NamedLine; readonly pin: Pin | undefined } {
    const known = this.#names.find(name);
    const open = known && this.#open.get(key(known.id));
    if (open !== undefined) return { named: open.named, pin: open };
    this.#readChips();
    const named = this.#names.resolve(name);
    return { named, pin: this.#open.get(key(named.id)) };
  }

  #readChips(): readonly ChipInfo[] {
    const chips = this.#surroundings.backend.chips();
    this.#names = new PinNames(chips);
    return chips;
  }

  #openAnew(named: NamedLine, client: Client, request: RequestOf<"open">): ReplyOf<"open"> {
    const { log } = this.#surroundings;
    const at = key(named.id);
    const pin = new Pin(named, this.#configured.boundsOf(named, this.#names), request, client, this.#surroundings, {
      changed: (pin) => {
        if (this.#open.get(at) === pin) this.#tell(named, pin);
      },
      closed: (pin) => {
        log.debug({ pin: pin.name }, "pin closed");
        this.#open.delete(at);
        this.#tell(named, undefined);
        if (this.#open.size === 0) this.#emptied();
      },
    });
    log.debug({ pin: pin.name, client: client.name }, "pin opened");
    this.#open.set(at, pin);
    this.#tell(named, pin);
    return { pin: pin.name, state: pin.state };
  }

  #openOnceClosed(pin: Pin, client: Client, request: RequestOf<"open">, waitMs: number): Promise<ReplyOf<"open">> {
    const { clock } = this.#surroundings;
    const deadlineUs = clock.nowUs() + waitMs * 1000;
    return client.wait((resolve, reject) => {
      const deadline = clock.at(deadlineUs, () => {
        cancel();
        reject(pin.closingError());
      });
      const cancel = pin.whenClosed(() => {
        deadline.cancel();
        const leftMs = (deadlineUs - clock.nowUs()) / 1000;
        try {
          resolve(this.openFor(client, { ...request, waitMs: leftMs > 0 ? leftMs : undefined }));
        } catch (error) {
          reject(error);
        }
      });
      return () => {
        deadline.cancel();
        cancel();
      };
    });
  }

  /** Tells those who observe a line what it does, if that is news to them. */
  #tell(named: NamedLine, pin: Pin | undefined): void {
    const observations = this.#observations.get(key(named.id));
    if (observations === undefined || observations.size === 0) return;
    const command = pin?.tenant.command ?? null;
    const seen = {
      ev: "state",
      pin: named.pin,
      state: pin?.state ?? "closed",
      level: pin?.tenant.level ?? null,
      value: pin?.tenant.value ?? null,
      command: command?.number ?? null,
      by: command?.by.name ?? null,
      lost: 0,
    } satisfies Omit<EventOf<"state">, "sub">;
    // An input's level changes with its edges, which are for those who watch it.
    const news = JSON.stringify(pin?.tenant.direction === "in" ? { ...seen, level: null } : seen);
    for (const observation of observations) {
      if (observation.told === news) continue;
      observation.told = news;
      observation.subscription.push({ sub: observation.subscription.number, ...seen });
    }
  }
}

function key({ chip, offset }: LineId): string {
  return `${chip}#${offset}`;
}

function usedBy(chips: readonly ChipInfo[], { chip, offset }: LineId): string | null {
  const line = chips.find(({ path }) => path === chip)?.lines.find((info) => info.offset === offset);
  return line?.used === true ? (line.consumer ?? "unknown") : null;
}
