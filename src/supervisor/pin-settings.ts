import type { LineSettings } from "../gpio/backend.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { DEFAULT_PWM_HZ, type Limits } from "../protocol/limits.ts";
import type { Bias, CloseLevel, Drive, Level, RequestOf } from "../protocol/requests.ts";

/** How a pin's line is set. What the direction has no use for keeps its default. */
export interface PinSettings {
  readonly direction: "out" | "in";
  readonly activeLow: boolean;
  readonly bias: Bias;
  readonly drive: Drive;
  readonly initial: Level;
  readonly closeLevel: CloseLevel;
  readonly frequencyHz: number;
  readonly debounceUs: number;
}

const defaults = {
  activeLow: false,
  bias: "as-is",
  drive: "push-pull",
  initial: 0,
  closeLevel: "off",
  frequencyHz: DEFAULT_PWM_HZ,
  debounceUs: 0,
} as const;

const names = ["direction", "activeLow", "bias", "drive", "initial", "closeLevel", "frequencyHz", "debounceUs"] as const;

/** The settings that a request names. */
function named(request: RequestOf<"open"> | RequestOf<"configure">): Partial<PinSettings> {
  return Object.fromEntries(names.filter((name) => request[name] !== undefined).map((name) => [name, request[name]]));
}

/** The settings of a pin that is opened anew. */
export function settingsOf(request: RequestOf<"open">): PinSettings {
  return { ...defaults, direction: request.direction, ...named(request) };
}

/** The settings with what a `configure` changes. A new direction starts from its own defaults. */
export function changedSettings(before: PinSettings, request: RequestOf<"configure">): PinSettings {
  const turned = request.direction !== undefined && request.direction !== before.direction;
  const kept = turned ? { ...defaults, activeLow: before.activeLow, bias: before.bias } : before;
  return { ...kept, direction: before.direction, ...named(request) };
}

/**
 * The one who requested the line has set it; who opens it later may only agree. The level that the line was opened with is
 * of the past: `initial` has to agree with the one that it has.
 * @param level while it is steady, else null
 * @throws HoldfastError `PIN_CONFLICT`, with the field
 */
export function assertAgrees(pin: string, settings: PinSettings, level: Level | null, request: RequestOf<"open">): void {
  const wanted = named(request);
  const open = { ...settings, initial: level };
  for (const field of names) {
    if (wanted[field] === undefined || wanted[field] === open[field]) continue;
    const does = level === null ? "in a wave" : `at level ${level}`;
    const message =
      field === "initial"
        ? `${pin} is open already and ${does}, not at ${request.initial}`
        : `${pin} is open with ${field} ${open[field]}, not ${wanted[field]}`;
    throw new HoldfastError("PIN_CONFLICT", message, {
      field,
      pin,
      open: open[field],
    });
  }
}

/**
 * What a `configure` names must be of use to the direction that the pin then has.
 * @throws HoldfastError `PIN_DIRECTION`, `BAD_FIELD`, with the field
 */
export function assertFits(pin: string, before: PinSettings, after: PinSettings, request: RequestOf<"configure">): void {
  const misplaced =
    after.direction === "in" ? (["mode", "drive", "closeLevel", "frequencyHz", "initial"] as const) : (["debounceUs"] as const);
  const field = misplaced.find((name) => request[name] !== undefined);
  if (field !== undefined) {
    throw new HoldfastError("PIN_DIRECTION", `${pin} is an ${after.direction}put, which has no ${field}`, { field, pin });
  }
  if (request.initial !== undefined && before.direction === "out") {
    throw new HoldfastError("BAD_FIELD", `${pin} is an output already: initial is for an input that becomes one`, {
      field: "initial",
      pin,
    });
  }
}

/** The settings as the backend takes them. @param level what an output drives when the line is requested or changed */
export function lineSettings(settings: PinSettings, level: Level): LineSettings {
  const { direction, activeLow, bias, drive, debounceUs } = settings;
  return direction === "out" ? { direction, activeLow, bias, drive, initial: level } : { direction, activeLow, bias, debounceUs };
}

/**
 * Where lines may be active for so long only, none is left active when it closes: nothing would end that.
 * @throws HoldfastError `LIMIT_ON`
 */
export function assertEndsOff(pin: string, { closeLevel }: PinSettings, { maxOnMs }: Limits): void {
  if (closeLevel === "off" || maxOnMs === Number.POSITIVE_INFINITY) return;
  throw new HoldfastError(
    "LIMIT_ON",
    `${pin} may be active for ${maxOnMs} ms without a break; closing level ${closeLevel} would outlast that`,
    {
      field: "closeLevel",
      pin,
      limit: maxOnMs,
    },
  );
}
