import { timestampNs } from "../clock/clock.ts";
import type { ChipInfo, LineId, LineListener, Simulation } from "../gpio/backend.ts";
import { alone, findPin, idOf, lineKey, type NamedPin, pinKey, resolvePin } from "../gpio/named-pin.ts";
import { type NamedLine, PinNames } from "../gpio/pin-names.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { PinInfo, ReplyOf } from "../protocol/replies.ts";
import type { RequestOf } from "../protocol/requests.ts";
import { type AccessTables, mistakesInAccess } from "./access-tables.ts";
import type { Addressed } from "./addresses/addressed.ts";
import { addressedPin } from "./addresses/addressed-pin.ts";
import type { Client } from "./client.ts";
import { ConfiguredPins } from "./configured-pins.ts";
import { withDetails } from "./error-details.ts";
import { Observations } from "./observations.ts";
import { notOpenError, type Occupied, occupiedError } from "./occupied.ts";
import { Pin } from "./pin.ts";
import { pinInfo } from "./pin-info.ts";
import type { PinTables } from "./pin-tables.ts";
import { allRights } from "./rights.ts";
import type { Surroundings } from "./surroundings.ts";
import { toldLevels } from "./told-levels.ts";

/** What a name leads to: a line or a group, and its pin when that is open. */
interface Found {
  readonly named: NamedPin;
  readonly pin: Pin | undefined;
}

/** A line that is only read listens to nothing. */
const deaf: LineListener = { edge: () => {}, fail: () => {} };

/** Every line by its names, and the open ones. */
export class Pins {
  readonly #surroundings: Surroundings;
  /** By what they are made of. */
  readonly #open = new Map<string, Pin>();
  /** By each of their lines: no line is in two. */
  readonly #byLine = new Map<string, Pin>();
  readonly #observations = new Observations((named) => this.#openAs(named));
  readonly #emptied: () => void;
  #configured: ConfiguredPins;
  #names: PinNames;
  /** Every pin is closing for good, and none may be opened: neither by a request nor by one that has waited for a pin to close. */
  #shut = false;

  /**
   * @param configured what the configuration says of pins, by their names
   * @param access to whom it gives rights to them
   * @param emptied is told whenever the last open pin has closed
   * @throws HoldfastError `BAD_CONFIG`, what `GpioBackend.chips` throws
   */
  constructor(surroundings: Surroundings, configured: PinTables, access: AccessTables, emptied: () => void) {
    this.#surroundings = surroundings;
    this.#emptied = emptied;
    this.#configured = this.#examined(configured, access, surroundings.limits.maxOnMs);
    this.#names = new PinNames(surroundings.backend.chips(), this.#configured.aliases);
    surroundings.transitions.whenListened((withAllBelow) => {
      if (withAllBelow) for (const pin of this.open) this.#trace(pin);
    });
  }

  /**
   * What the configuration says anew of pins. Nothing has changed yet.
   * @param maxOnMs what holds for every pin
   * @returns what makes it hold, for the open pins too
   * @throws HoldfastError as the constructor does
   */
  reconfigured(configured: PinTables, access: AccessTables, maxOnMs: number): () => void {
    const examined = this.#examined(configured, access, maxOnMs);
    return () => {
      this.#configured = examined;
      this.#readChips();
      for (const pin of this.open) this.#rebind(pin);
    };
  }

  /** @throws HoldfastError `BAD_CONFIG`, what `GpioBackend.chips` throws */
  #examined(configured: PinTables, access: AccessTables, maxOnMs: number): ConfiguredPins {
    const { backend, log } = this.#surroundings;
    const chips = backend.chips();
    const examined = new ConfiguredPins(configured, { names: new PinNames(chips), backend, maxOnMs, log });
    for (const mistake of mistakesInAccess(access, new PinNames(chips, examined.aliases), log)) throw mistake;
    return examined;
  }

  /** A pin whose chip has gone is left to fail by itself. */
  #rebind(pin: Pin): void {
    const lines = pin.named.lines.flatMap(({ id }) => this.#names.at(id) ?? []);
    if (lines.length < pin.named.lines.length) return;
    const named = { pin: pin.name, lines };
    pin.rebind(named, this.#configured.boundsOfOpen(named, this.#names));
  }

  /** The open pins. */
  get open(): readonly Pin[] {
    return [...this.#open.values()];
  }

  /** The open pin of that name, for a client that has opened it. @throws HoldfastError `PIN_UNKNOWN`, `PIN_AMBIGUOUS`, `PIN_NOT_OPEN`, `HOLD_LOST` */
  find(client: Client, name: string): Pin {
    const { named, pin } = this.lookUp(name);
    if (pin !== undefined) return pin;
    client.assertNotLapsed(named.pin);
    throw notOpenError(named, this.#occupied(named));
  }

  /**
   * A client opens a pin: the line is requested, or the client joins those who hold it. A line is open once: by itself or in one group.
   * @throws HoldfastError `SHUTTING_DOWN`, `PIN_UNKNOWN`, `PIN_AMBIGUOUS`, `PIN_BUSY`, `PIN_CLOSING`, what `Pin.admit` and the backend throw
   */
  openFor(client: Client, request: RequestOf<"open">): ReplyOf<"open"> | Promise<ReplyOf<"open">> {
    if (this.#shut) throw new HoldfastError("SHUTTING_DOWN", "the supervisor is shutting down and opens no more pins");
    const { named, pin } = this.lookUp(request.pin);
    const occupied = pin === undefined ? this.#occupied(named) : undefined;
    const inTheWay = pin ?? occupied?.by;
    if (inTheWay?.closing) {
      if (request.waitMs === undefined) throw inTheWay.closingError();
      return this.#openOnceClosed(inTheWay, client, request, request.waitMs);
    }
    if (occupied !== undefined) throw occupiedError(named, occupied);
    if (pin === undefined) return this.#openAnew(named, client, request);
    pin.admit(client, request);
    this.#observations.tell(pin.named);
    return { pin: pin.name, state: pin.state, wasOpen: true };
  }

  /** The level of a line, or of all lines of a group at once, open or not. @throws HoldfastError `LINE_UNSUPPORTED`, what `find`, `Pin.read` and the backend throw */
  read(name: string): ReplyOf<"read"> {
    const { named, pin } = this.lookUp(name);
    if (pin !== undefined) return pin.read();
    const group = this.#groupOf(named);
    if (group !== undefined) return group.read(named.lines[0]);
    const occupied = this.#occupied(named);
    if (occupied !== undefined) throw occupiedError(named, occupied);
    const { backend, clock } = this.#surroundings;
    this.#assertReadable(named);
    return withDetails({ field: "pin", pin: named.pin }, () => {
      const line = backend.request(idOf(named), { direction: "as-is" }, "holdfast read", deaf);
      try {
        return {
          pin: named.pin,
          ...toldLevels(line.get(), named.lines.length),
          value: null,
          state: "closed",
          timestampNs: timestampNs(clock),
        };
      } finally {
        line.release(() => {});
      }
    });
  }

  /** @throws HoldfastError `PIN_UNKNOWN`, `PIN_AMBIGUOUS`, `LIMIT_SUBSCRIPTIONS` */
  observe(client: Client, name: string): ReplyOf<"observe"> {
    const { named, pin } = this.lookUp(name);
    return { sub: this.#observations.add(client, named), state: (pin ?? this.#groupOf(named))?.state ?? "closed" };
  }

  /** A line or a group at its address, open or not. */
  addressed(named: NamedPin): Addressed {
    return addressedPin(named, this.#openAs(named));
  }

  /** Every line that one may see, open or not. @throws HoldfastError what `GpioBackend.chips` throws */
  all(rights = allRights): readonly PinInfo[] {
    const chips = this.#readChips();
    return this.#names
      .all()
      .filter((line) => rights.mayDo("read", [line]))
      .map((line) => pinInfo(alone(line), this.#byLine.get(lineKey(line.id)), this.#surroundings.clock, usedBy(chips, line.id)));
  }

  /** Closes every pin, softly or at once. */
  shut(hard: boolean): void {
    this.#shut = true;
    for (const pin of this.open) this.#shutOne(pin, hard);
    if (this.#open.size === 0) this.#emptied();
  }

  /** Closes a pin for good. A defect in one must not keep the others open, nor the supervisor from its end. */
  #shutOne(pin: Pin, hard: boolean): void {
    try {
      pin.shut(hard ? "CLOSED" : null);
    } catch (error) {
      this.#surroundings.log.error({ err: error, pin: pin.name }, "a pin can't be closed; it is left as it is");
      this.#forget(pin);
    }
  }

  /** The outside of simulated lines. @throws HoldfastError `NOT_SIMULATED` */
  get simulation(): Simulation {
    const { simulation } = this.#surroundings.backend;
    if (simulation === undefined) throw new HoldfastError("NOT_SIMULATED", "the chips of this supervisor are real");
    return simulation;
  }

  /**
   * Where the name of one line leads.
   * @param field which field of the request says it
   * @throws HoldfastError `PIN_UNKNOWN`, `PIN_AMBIGUOUS`; `BAD_FIELD` for a group
   */
  locate(name: string, field = "pin"): LineId {
    const [line, ...more] = withDetails({ field }, () => this.lookUp(name)).named.lines as [NamedLine];
    if (more.length > 0) throw new HoldfastError("BAD_FIELD", `"${name}" is a group; this is for one line`, { field });
    return line.id;
  }

  /**
   * The line or group of that name, and its pin when it is open. Only an open pin is sure to be what its name meant when the chips were
   * read: where any other line was, there may be another chip by now.
   * @throws HoldfastError what `resolvePin` throws
   */
  lookUp(name: string): Found {
    const known = findPin(name, this.#names);
    const open = known && this.#open.get(pinKey(known));
    if (open !== undefined) return { named: open.named, pin: open };
    this.#readChips();
    const named = resolvePin(name, this.#names);
    return { named, pin: this.#open.get(pinKey(named)) };
  }

  /** The open pin that has a line of another one; of several first one that is not about to close. */
  #occupied({ lines }: NamedPin): Occupied | undefined {
    const all = lines.flatMap((line) => {
      const by = this.#byLine.get(lineKey(line.id));
      return by === undefined ? [] : [{ line, by }];
    });
    return all.find(({ by }) => !by.closing) ?? all[0];
  }

  /** The open pin of a line or group; of a line that is part of an open group, that group. */
  #openAs(named: NamedPin): Pin | undefined {
    return this.#groupOf(named) ?? this.#open.get(pinKey(named));
  }

  /** The open group that a line is a part of. */
  #groupOf({ lines: [line, ...more] }: NamedPin): Pin | undefined {
    const pin = line && more.length === 0 ? this.#byLine.get(lineKey(line.id)) : undefined;
    return pin !== undefined && pin.named.lines.length > 1 ? pin : undefined;
  }

  /** To request a line that is hardware PWM would take the pin away from it. What else is configured is of no interest to who reads. */
  #assertReadable({ pin, lines }: NamedPin): void {
    for (const line of lines) {
      const { pwm } = this.#configured.boundsOf(alone(line), this.#names);
      if (pwm === undefined) continue;
      throw new HoldfastError("LINE_UNSUPPORTED", `${line.pin} is hardware PWM (${pwm.channel}) and is read only while it is open`, {
        field: "pin",
        pin,
      });
    }
  }

  #readChips(): readonly ChipInfo[] {
    const chips = this.#surroundings.backend.chips();
    this.#names = new PinNames(chips, this.#configured.aliases);
    return chips;
  }

  #openAnew(named: NamedPin, client: Client, request: RequestOf<"open">): ReplyOf<"open"> {
    const { log } = this.#surroundings;
    const at = pinKey(named);
    const pin = new Pin(named, this.#configured.boundsOf(named, this.#names), request, client, this.#surroundings, {
      changed: (pin, event) => {
        if (this.#open.get(at) === pin) this.#tell(named, event);
      },
      closed: (pin) => {
        log.debug({ pin: pin.name }, "pin closed");
        this.#forget(pin);
        this.#tell(named, "released");
        if (this.#open.size === 0) this.#emptied();
      },
    });
    log.debug({ pin: pin.name, client: client.name }, "pin opened");
    this.#open.set(at, pin);
    for (const { id } of named.lines) this.#byLine.set(lineKey(id), pin);
    if (this.#surroundings.transitions.isHeard) this.#trace(pin);
    this.#tell(named, "open");
    return { pin: pin.name, state: pin.state };
  }

  /** Tells traces of its edges, as far as their clients may watch it. */
  #trace(pin: Pin): void {
    const { transitions, log } = this.#surroundings;
    const allowed = transitions.tracing(this.addressed(pin.named)).filter(({ client }) => client.rights.mayDo("watch", pin.named.lines));
    try {
      pin.trace(allowed);
    } catch (error) {
      log.warn({ err: error, pin: pin.name }, "the edges of a pin can't be traced");
    }
  }

  /** Tells all who are to know what a pin does. */
  #tell(named: NamedPin, event: string): void {
    this.#observations.tell(named);
    const { transitions } = this.#surroundings;
    if (!transitions.isHeard) return;
    transitions.look(this.addressed(named), event);
    if (named.lines.length > 1) for (const line of named.lines) transitions.look(this.addressed(alone(line)), event);
  }

  #forget({ named }: Pin): void {
    this.#open.delete(pinKey(named));
    for (const { id } of named.lines) this.#byLine.delete(lineKey(id));
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
          // By now its name may be that of another line.
          client.rights.assertPin([request.direction === "out" ? "command" : "watch"], this.lookUp(request.pin).named);
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
}

function usedBy(chips: readonly ChipInfo[], { chip, offset }: LineId): string | null {
  const line = chips.find(({ path }) => path === chip)?.lines.find((info) => info.offset === offset);
  return line?.used === true ? (line.consumer ?? "unknown") : null;
}
