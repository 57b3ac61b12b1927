import type { GpioBackend } from "../gpio/backend.ts";
import type { NamedPin } from "../gpio/named-pin.ts";
import type { NamedLine, PinNames } from "../gpio/pin-names.ts";
import { assertConfig, badConfig, keyOf } from "../protocol/assert-config.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Limits } from "../protocol/limits.ts";
import { type PinConfig, pinConfigSchema } from "../protocol/requests.ts";
import { configuredLine } from "./configured-line.ts";
import { outlasts, type PinBounds } from "./pin-settings.ts";
import type { Log } from "./surroundings.ts";

/** What the configuration says of pins that it does not name. */
const ALL_OTHERS = "*";

/** What the configuration says of pins. It is the operator's word, and wins over every client's. */
export class ConfiguredPins {
  readonly #byName: Readonly<Record<string, PinConfig>>;
  readonly #otherwise: PinConfig;
  readonly #limits: Limits;

  /**
   * @param names of the lines that there are now
   * @throws HoldfastError `BAD_CONFIG` with the `key`: a name that fits no line and never will, or several, or the line of another
   *   one; a key or a value that there is not; a closing level that would outlast the limit; or a channel of PWM that the chip has not, or that another
   *   pin has
   */
  constructor(
    { [ALL_OTHERS]: otherwise = {}, ...byName }: Readonly<Record<string, PinConfig>>,
    names: PinNames,
    { limits, log, backend }: { readonly limits: Limits; readonly log: Log; readonly backend: GpioBackend },
  ) {
    for (const [name, config] of Object.entries({ ...byName, [ALL_OTHERS]: otherwise }))
      assertConfig(pinConfigSchema, config, ["pin", name]);
    this.#byName = byName;
    this.#otherwise = otherwise;
    this.#limits = limits;
    const seen = new Map<NamedLine, string>();
    for (const name of Object.keys(byName)) {
      const line = configuredLine(name, keyOf(["pin", name]), names, log);
      const other = line && seen.get(line);
      if (other !== undefined) throw badConfig(keyOf(["pin", name]), `is the line of ${keyOf(["pin", other])} too`);
      if (line !== undefined) seen.set(line, name);
    }
    for (const [name, config] of [[ALL_OTHERS, {}] as const, ...Object.entries(byName)]) {
      const { closeLevel = "off", maxOnMs } = this.#bounds([config]);
      if (!outlasts(closeLevel, maxOnMs)) continue;
      throw badConfig(keyOf(["pin", name, "closeLevel"]), `${closeLevel} would outlast the ${maxOnMs} ms for which the pin may be active`);
    }
    if (otherwise.pwm !== undefined) throw badConfig(keyOf(["pin", ALL_OTHERS, "pwm"]), "a channel is one pin's");
    assertChannels(byName, backend, log);
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
    const [first] = bounds as [PinBounds];
    const closeLevelOf = ({ closeLevel = "off" }: PinBounds) => closeLevel;
    const other = bounds.findIndex((each) => closeLevelOf(each) !== closeLevelOf(first));
    if (other >= 0) {
      const say = (index: number) => `${lines[index]?.pin} closes with closeLevel ${closeLevelOf(bounds[index] ?? first)}`;
      throw new HoldfastError("PIN_CONFLICT", `as configured, ${say(0)}, and ${say(other)}: they can't be a group`, {
        field: "pin",
        pin,
        configured: bounds.map(closeLevelOf),
      });
    }
    return {
      maxOnMs: Math.min(...bounds.map(({ maxOnMs }) => maxOnMs)),
      closeLevel: bounds.find(({ closeLevel }) => closeLevel !== undefined)?.closeLevel,
      pwm: first.pwm,
    };
  }

  #boundsOfLine(line: NamedLine, names: PinNames): PinBounds {
    const own = Object.entries(this.#byName).filter(([name]) => names.fitting(name).includes(line));
    const [pwm] = own.flatMap(([name, config]) =>
      config.pwm === undefined ? [] : [{ channel: config.pwm, key: keyOf(["pin", name, "pwm"]) }],
    );
    return { ...this.#bounds(own.map(([, config]) => config)), pwm };
  }

  #bounds(own: readonly PinConfig[]): Omit<PinBounds, "pwm"> {
    const limitsMs = own.flatMap(({ maxOnMs }) => maxOnMs ?? []);
    if (limitsMs.length === 0) limitsMs.push(this.#otherwise.maxOnMs ?? Number.POSITIVE_INFINITY);
    return {
      maxOnMs: Math.min(this.#limits.maxOnMs, ...limitsMs),
      closeLevel: own.find(({ closeLevel }) => closeLevel !== undefined)?.closeLevel ?? this.#otherwise.closeLevel,
    };
  }
}

/** Each pin has a channel of its own, which its chip has, if that is there already. */
function assertChannels(pins: Readonly<Record<string, PinConfig>>, { pwm: outputs }: GpioBackend, log: Log): void {
  const seen = new Map<string, string>();
  for (const [name, { pwm: channel }] of Object.entries(pins)) {
    if (channel === undefined) continue;
    const other = seen.get(channel);
    if (other !== undefined) throw badConfig(keyOf(["pin", name, "pwm"]), `${channel} is the channel of ${keyOf(["pin", other])} too`);
    seen.set(channel, name);
    if (outputs === undefined) continue;
    const found = keyed(keyOf(["pin", name, "pwm"]), () => outputs.find(channel));
    if (found === null) log.warn({ pin: name, pwm: channel }, "the configuration speaks of a PWM chip that is not there now");
  }
}

/** Does something that the configuration asks for. A mistake of it is that key's. */
function keyed<T>(key: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code, message, details } = HoldfastError.from(error);
    if (code !== "BAD_CONFIG") throw error;
    throw new HoldfastError(code, `${key}: ${message}`, { ...details, key });
  }
}
