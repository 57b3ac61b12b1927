import type { NamedPin } from "../gpio/named-pin.ts";
import type { NamedLine, PinNames } from "../gpio/pin-names.ts";
import { aliasesOf } from "../protocol/aliases.ts";
import { keyOf } from "../protocol/assert-config.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { CloseLevel, PinConfig } from "../protocol/requests.ts";
import type { PinBounds } from "./pin-settings.ts";
import { ALL_OTHERS, mistakesInPins, type PinsAround, type PinTables } from "./pin-tables.ts";

/** What the configuration says of pins. It is the operator's word, and wins over every client's. */
export class ConfiguredPins {
  readonly #byName: PinTables;
  readonly #otherwise: PinConfig;
  readonly #maxOnMs: number;
  /** The pins' further names, with those of their tables. */
  readonly aliases: ReadonlyMap<string, string>;

  /** @throws HoldfastError the first of `mistakesInPins` */
  constructor(tables: PinTables, around: PinsAround) {
    for (const mistake of mistakesInPins(tables, around)) throw mistake;
    const { [ALL_OTHERS]: otherwise = {}, ...byName } = tables;
    this.#byName = byName;
    this.#otherwise = otherwise;
    this.#maxOnMs = around.maxOnMs;
    this.aliases = aliasesOf(byName);
  }

  /**
   * What holds for a pin, by whichever of its lines' names the configuration speaks of it. A name that has become ambiguous means all.
   * What holds for any line of a group holds for the group; where its lines are to close to different levels, there can be none.
   * Hardware PWM is no part of a group.
   * @throws HoldfastError `PIN_CONFLICT`
   */
  boundsOf({ pin, lines }: NamedPin, names: PinNames): PinBounds {
    const bounds = lines.map((line) => this.#boundsOfLine(line, names));
    const modulated = bounds.findIndex(({ pwm }) => pwm !== undefined);
    if (modulated >= 0 && lines.length > 1) {
      throw new HoldfastError("PIN_CONFLICT", `as configured, ${lines[modulated]?.pin} is hardware PWM, which is no part of a group`, {
        field: "pin",
        pin,
        configured: bounds[modulated]?.pwm?.channel,
      });
    }
    const other = bounds.findIndex((each) => closesTo(each) !== closesTo(bounds[0]));
    if (other >= 0) {
      const say = (index: number) => `${lines[index]?.pin} ${closingInWords(bounds[index]?.closeLevel)}`;
      throw new HoldfastError("PIN_CONFLICT", `as configured, ${say(0)}, and ${say(other)}: they can't be a group`, {
        field: "pin",
        pin,
        configured: bounds.map(closesTo),
      });
    }
    return together(bounds);
  }

  /**
   * The same for a pin that is open already, from before this was said. Lines of an open group that are to close to different levels now have no
   * configured one, until the group is opened anew.
   */
  boundsOfOpen({ lines }: NamedPin, names: PinNames): PinBounds {
    const bounds = lines.map((line) => this.#boundsOfLine(line, names));
    const agree = bounds.every((each) => closesTo(each) === closesTo(bounds[0]));
    return agree ? together(bounds) : { ...together(bounds), closeLevel: undefined };
  }

  #boundsOfLine(line: NamedLine, names: PinNames): PinBounds {
    const own = Object.entries(this.#byName).filter(([name]) => names.fitting(name).includes(line));
    const [pwm] = own.flatMap(([name, config]) =>
      config.pwm === undefined ? [] : [{ channel: config.pwm, key: keyOf(["pin", name, "pwm"]) }],
    );
    const configs = own.map(([, config]) => config);
    const limitsMs = configs.flatMap(({ maxOnMs }) => maxOnMs ?? []);
    if (limitsMs.length === 0) limitsMs.push(this.#otherwise.maxOnMs ?? Number.POSITIVE_INFINITY);
    return {
      maxOnMs: Math.min(this.#maxOnMs, ...limitsMs),
      closeLevel: configs.find(({ closeLevel }) => closeLevel !== undefined)?.closeLevel ?? this.#otherwise.closeLevel,
      initial: [configs.find(({ initial }) => initial !== undefined)?.initial ?? this.#otherwise.initial],
      pwm,
    };
  }
}

function together(bounds: readonly PinBounds[]): PinBounds {
  return {
    maxOnMs: Math.min(...bounds.map(({ maxOnMs }) => maxOnMs)),
    closeLevel: bounds.find(({ closeLevel }) => closeLevel !== undefined)?.closeLevel,
    initial: bounds.flatMap(({ initial }) => initial),
    pwm: bounds[0]?.pwm,
  };
}

function closesTo(bounds: PinBounds | undefined): CloseLevel {
  return bounds?.closeLevel ?? "off";
}

function closingInWords(closeLevel: CloseLevel | undefined): string {
  return closeLevel === undefined ? "has no closeLevel, so it closes off" : `closes with closeLevel ${closeLevel}`;
}
