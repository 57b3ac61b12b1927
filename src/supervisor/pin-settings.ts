import type { LineSettings } from "../gpio/backend.ts";
import { areSame, commonLevel, eachLevel, type Levels, levelAt, levelsOf } from "../gpio/levels.ts";
import type { NamedPin } from "../gpio/named-pin.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { DEFAULT_PWM_HZ } from "../protocol/limits.ts";
import type { Bias, CloseLevel, Drive, Level, RequestOf } from "../protocol/requests.ts";

/** How a pin's line is set. What the direction has no use for keeps its default. */
export interface PinSettings {
  readonly direction: "out" | "in";
  readonly activeLow: boolean;
  readonly bias: Bias;
  readonly drive: Drive;
  readonly initial: Levels;
  readonly closeLevel: CloseLevel;
  readonly frequencyHz: number;
  /** Infinity: as long as it likes. */
  readonly maxOnMs: number;
  readonly debounceUs: number;
}

/** What no client may go beyond with one pin. */
export interface PinBounds {
  /** Infinity: as long as it likes. */
  readonly maxOnMs: number;
  /** Undefined: the client says. */
  readonly closeLevel: CloseLevel | undefined;
  /** Of each line, the level with which it is opened; undefined: the client says. */
  readonly initial: readonly (Level | undefined)[];
  /** The channel of hardware PWM that the pin is; undefined: it is a GPIO line. */
  readonly pwm: ConfiguredChannel | undefined;
}

/** A channel of hardware PWM, as the configuration names it. */
export interface ConfiguredChannel {
  /** `<chip>/<number>`. */
  readonly channel: string;
  /** Where the configuration says so: `pin.GPIO18.pwm`. */
  readonly key: string;
}

const defaults = { activeLow: false, bias: "as-is", drive: "push-pull", frequencyHz: DEFAULT_PWM_HZ, debounceUs: 0 } as const;

const names = ["direction", "activeLow", "bias", "drive", "initial", "closeLevel", "frequencyHz", "maxOnMs", "debounceUs"] as const;

/** The settings that a request names; where it goes beyond the bounds, these. */
function named(request: RequestOf<"open"> | RequestOf<"configure">, bounds: PinBounds): Partial<PinSettings> {
  const said = Object.fromEntries(names.filter((name) => request[name] !== undefined).map((name) => [name, request[name]]));
  const { initial, maxOnMs } = request;
  return {
    ...said,
    ...(maxOnMs !== undefined && { maxOnMs: Math.min(maxOnMs, bounds.maxOnMs) }),
    ...(initial !== undefined && { initial: typeof initial === "number" ? initial : levelsOf(initial) }),
  };
}

/** What a pin has that nobody has said anything of. */
function unsaid({ closeLevel = "off", maxOnMs, initial }: PinBounds): Omit<PinSettings, "direction"> {
  return { ...defaults, initial: levelsOf(initial.map((level = 0) => level)), closeLevel, maxOnMs };
}

/** The settings of a pin that is opened anew. */
export function settingsOf(request: RequestOf<"open">, bounds: PinBounds): PinSettings {
  return { ...unsaid(bounds), direction: request.direction, ...named(request, bounds) };
}

/** The settings with what a `configure` changes. A new direction starts from its own defaults, but no limit gets longer while a pin is open. */
export function changedSettings(before: PinSettings, request: RequestOf<"configure">, bounds: PinBounds): PinSettings {
  const turned = request.direction !== undefined && request.direction !== before.direction;
  const still = { ...bounds, maxOnMs: Math.min(bounds.maxOnMs, before.maxOnMs) };
  const kept = turned ? { ...unsaid(still), activeLow: before.activeLow, bias: before.bias } : before;
  return { ...kept, direction: before.direction, ...named(request, still) };
}

/**
 * The one who requested the line has set it; who opens it later may only agree. The level that the line was opened with is
 * of the past: `initial` has to agree with the one that it has.
 * @param level while it is steady, else null
 * @throws HoldfastError `PIN_CONFLICT`, with the field
 */
export function assertAgrees(
  { pin, lines }: NamedPin,
  settings: PinSettings,
  level: Levels | null,
  request: RequestOf<"open">,
  bounds: PinBounds,
): void {
  const { initial, ...wanted } = named(request, bounds);
  const open = { ...settings, maxOnMs: finite(settings.maxOnMs) };
  const refuse = (field: keyof PinSettings, message: string, found: unknown): HoldfastError =>
    new HoldfastError("PIN_CONFLICT", `${pin} is open ${message}`, { field, pin, open: found });
  for (const field of names) {
    if (field === "initial" || wanted[field] === undefined || wanted[field] === open[field]) continue;
    throw refuse(field, `with ${field} ${open[field] ?? "none"}, not ${wanted[field]}`, open[field]);
  }
  if (initial === undefined || (level !== null && areSame(initial, level))) return;
  const told = (levels: Levels) => commonLevel(levels) ?? eachLevel(levels, lines.length);
  const does = level === null ? "in a wave" : `at level ${[told(level)].flat().join("")}`;
  throw refuse("initial", `already and ${does}, not at ${[told(initial)].flat().join("")}`, level === null ? null : told(level));
}

/**
 * What a `configure` names must be of use to the direction that the pin then has.
 * @throws HoldfastError `PIN_DIRECTION`, `BAD_FIELD`, with the field
 */
export function assertFits(pin: string, before: PinSettings, after: PinSettings, request: RequestOf<"configure">): void {
  const misplaced =
    after.direction === "in" ? (["mode", "drive", "closeLevel", "frequencyHz", "maxOnMs", "initial"] as const) : (["debounceUs"] as const);
  const field = misplaced.find((name) => request[name] !== undefined);
  if (field !== undefined) {
    throw new HoldfastError("PIN_DIRECTION", `${pin} is an ${after.direction}put, which has no ${field}`, { field, pin });
  }
  const late = (["initial", "maxOnMs"] as const).find((name) => request[name] !== undefined);
  if (late !== undefined && before.direction === "out") {
    throw new HoldfastError("BAD_FIELD", `${pin} is an output already: ${late} is for an input that becomes one`, { field: late, pin });
  }
}

/** The settings as the backend takes them. @param level what an output drives when the line is requested or changed */
export function lineSettings(settings: PinSettings, level: Levels): LineSettings {
  const { direction, activeLow, bias, drive, debounceUs } = settings;
  return direction === "out" ? { direction, activeLow, bias, drive, initial: level } : { direction, activeLow, bias, debounceUs };
}

/**
 * Whether a pin may be set so: hardware PWM is an output, and has no bias and no drive; a client can't set another first or closing level
 * than the configured one; and where a line may be active for so long only, it is not left active when it closes: nothing would end that.
 * @throws HoldfastError `PIN_CONFLICT`, `LINE_UNSUPPORTED`, `LIMIT_ON`, with the field
 */
export function assertAllowed(pin: string, settings: PinSettings, bounds: PinBounds, request: RequestOf<"open" | "configure">): void {
  const { direction, closeLevel, maxOnMs } = settings;
  if (bounds.pwm !== undefined) assertFitsPwm(pin, settings, bounds.pwm);
  if (direction === "in") return;
  const other = bounds.initial.findIndex((level, index) => level !== undefined && level !== levelAt(settings.initial, index));
  if (other >= 0 && request.initial !== undefined) {
    const level = bounds.initial[other];
    throw new HoldfastError(
      "PIN_CONFLICT",
      `${pin} is configured to be opened with initial ${level}, not ${levelAt(settings.initial, other)}`,
      {
        field: "initial",
        pin,
        configured: level,
      },
    );
  }
  if (bounds.closeLevel !== undefined && closeLevel !== bounds.closeLevel) {
    throw new HoldfastError("PIN_CONFLICT", `${pin} is configured to close with closeLevel ${bounds.closeLevel}, not ${closeLevel}`, {
      field: "closeLevel",
      pin,
      configured: bounds.closeLevel,
    });
  }
  if (!outlasts(closeLevel, maxOnMs)) return;
  throw new HoldfastError(
    "LIMIT_ON",
    `${pin} may be active for ${maxOnMs} ms without a break; closing level ${closeLevel} would outlast that`,
    {
      field: request.closeLevel === undefined ? "maxOnMs" : "closeLevel",
      pin,
      limit: maxOnMs,
    },
  );
}

function assertFitsPwm(pin: string, { direction, bias, drive }: PinSettings, { channel }: ConfiguredChannel): void {
  if (direction === "in") {
    throw new HoldfastError("PIN_CONFLICT", `${pin} is configured to be hardware PWM (${channel}), which is no input`, {
      field: "direction",
      pin,
      configured: "out",
    });
  }
  const field = bias !== "as-is" ? "bias" : drive !== "push-pull" ? "drive" : undefined;
  if (field !== undefined) {
    const instead = field === "bias" ? "has no bias" : `is driven push-pull, not ${drive}`;
    throw new HoldfastError("LINE_UNSUPPORTED", `${pin} is hardware PWM (${channel}), which ${instead}`, { field, pin });
  }
}

/** Whether a closing level may leave a line active for longer than it may be. */
export function outlasts(closeLevel: CloseLevel, maxOnMs: number): boolean {
  return closeLevel !== "off" && maxOnMs !== Number.POSITIVE_INFINITY;
}

/** A limit as it is told: null is none. */
export function finite(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}

/**
 * A request that says the level of each line says that of all of them.
 * @throws HoldfastError `BAD_FIELD`, with the field
 */
export function assertOneForEach({ pin, lines }: NamedPin, field: string, levels: readonly Level[]): void {
  if (levels.length === lines.length) return;
  const has = lines.length === 1 ? "is one line" : `has ${lines.length} lines`;
  const given = levels.length === 1 ? "1 level" : `${levels.length} levels`;
  throw new HoldfastError("BAD_FIELD", `${pin} ${has}, and was given ${given}`, { field, pin });
}
