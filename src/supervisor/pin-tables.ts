import type { GpioBackend, PwmOutputs } from "../gpio/backend.ts";
import type { NamedLine, PinNames } from "../gpio/pin-names.ts";
import { assertConfig, badConfig, keyOf } from "../protocol/assert-config.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { type PinConfig, pinConfigSchema } from "../protocol/requests.ts";
import { configuredLine } from "./configured-line.ts";
import { outlasts } from "./pin-settings.ts";
import type { Log } from "./surroundings.ts";

/** The tables `[pin.NAME]`, by their names. */
export type PinTables = Readonly<Record<string, PinConfig>>;

/** What the configuration calls the pins that it does not name. */
export const ALL_OTHERS = "*";

/** What tables of pins are held against. */
export interface PinsAround {
  /** Of the lines that there are now, without aliases. */
  readonly names: PinNames;
  readonly backend: GpioBackend;
  /** What holds for every pin. */
  readonly maxOnMs: number;
  /** Is told of what is no mistake, but not there now. */
  readonly log: Log;
}

/**
 * Everything that is wrong with the tables of pins, each as a HoldfastError `BAD_CONFIG` with the `key`: a key or a value that there is not; a
 * name that fits no line and never will, or several, or the line of another table; an alias that means something else already; a closing level
 * that would outlast the limit; a channel of PWM that the chip has not, or that another pin has.
 */
export function* mistakesInPins(tables: PinTables, around: PinsAround): Generator<HoldfastError> {
  const invalid = Object.entries(tables).flatMap(
    ([name, table]) => caught(() => assertConfig(pinConfigSchema, table, ["pin", name])) ?? [],
  );
  yield* invalid;
  if (invalid.length > 0) return;
  yield* mistakesInNames(tables, around);
  yield* mistakesInAliases(tables, around.names);
  yield* mistakesInLevels(tables, around.maxOnMs);
  yield* mistakesInChannels(tables, around);
}

function* mistakesInNames(tables: PinTables, { names, log }: PinsAround): Generator<HoldfastError> {
  const seen = new Map<NamedLine, string>();
  for (const name of Object.keys(tables)) {
    if (name === ALL_OTHERS) continue;
    const key = keyOf(["pin", name]);
    let line: NamedLine | undefined;
    const mistake = caught(() => {
      line = configuredLine(name, key, names, log);
    });
    if (mistake !== undefined) yield mistake;
    if (line === undefined) continue;
    const other = seen.get(line);
    if (other === undefined) seen.set(line, name);
    else yield badConfig(key, `is the line of ${keyOf(["pin", other])} too: say all of it in one table`);
  }
}

function* mistakesInAliases(tables: PinTables, names: PinNames): Generator<HoldfastError> {
  const seen = new Map<string, string>();
  for (const [name, { alias }] of Object.entries(tables)) {
    if (alias === undefined) continue;
    const mistake = (message: string) => badConfig(keyOf(["pin", name, "alias"]), message);
    const [line] = names.fitting(alias);
    const other = seen.get(alias);
    seen.set(alias, name);
    if (name === ALL_OTHERS) yield mistake("an alias is one pin's");
    else if (line !== undefined) yield mistake(`${alias} is a name of ${line.pin} already`);
    else if (other !== undefined) yield mistake(`${alias} is the alias of ${keyOf(["pin", other])} too`);
    else if (Object.hasOwn(tables, alias)) yield mistake(`${alias} is what ${keyOf(["pin", alias])} is called`);
  }
}

/** What only the limit of all forbids is said once. */
function* mistakesInLevels(tables: PinTables, limitMs: number): Generator<HoldfastError> {
  for (const [name, table] of Object.entries(tables)) {
    if (table.closeLevel === undefined && table.maxOnMs === undefined) continue;
    const others = tables[ALL_OTHERS];
    const closeLevel = table.closeLevel ?? others?.closeLevel ?? "off";
    const leastMs = Math.min(limitMs, table.maxOnMs ?? others?.maxOnMs ?? limitMs);
    if (!outlasts(closeLevel, leastMs)) continue;
    yield badConfig(
      keyOf(["pin", name, "closeLevel"]),
      `${closeLevel} would outlast the ${leastMs} ms for which the pin may be active: with such a limit it must be off`,
    );
  }
}

/** Each pin has a channel of its own, which its chip has, if that is there already. */
function* mistakesInChannels(tables: PinTables, { backend: { pwm: outputs }, log }: PinsAround): Generator<HoldfastError> {
  const seen = new Map<string, string>();
  for (const [name, { pwm }] of Object.entries(tables)) {
    if (pwm === undefined) continue;
    const key = keyOf(["pin", name, "pwm"]);
    if (name === ALL_OTHERS) {
      yield badConfig(key, "a channel is one pin's");
      continue;
    }
    let channel: string | null = null;
    const mistake = caught(() => {
      channel = channelOf(pwm, outputs);
    });
    if (mistake !== undefined) yield new HoldfastError("BAD_CONFIG", `${key}: ${mistake.message}`, { ...mistake.details, key });
    if (mistake === undefined && channel === null && outputs !== undefined)
      log.warn({ key, pwm }, "the configuration speaks of a PWM chip that is not there now");
    const means = channel ?? spelling(pwm);
    const other = seen.get(means);
    if (other !== undefined) yield badConfig(key, `${pwm} is the channel of ${keyOf(["pin", other])} too`);
    seen.set(means, name);
  }
}

/** The channel itself, however it is spelled; null: its chip is not there now. */
function channelOf(name: string, outputs: PwmOutputs | undefined): string | null {
  const found = outputs?.find(name) ?? null;
  return found === null ? null : `${found.chip}/${found.channel}`;
}

/** Of a chip that is not there only this can be told: `pwmchip0/00` is `pwmchip0/0`. */
function spelling(name: string): string {
  const slash = name.lastIndexOf("/");
  return `${name.slice(0, slash)}/${Number(name.slice(slash + 1))}`;
}

/** The mistake that something comes to. */
function caught(act: () => void): HoldfastError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "BAD_CONFIG") return error;
    throw error;
  }
}
