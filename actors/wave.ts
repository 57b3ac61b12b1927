import type { CommandRequest, Level } from "../src/protocol/requests.ts";

/**
 * A stretch of a wave, in which the duty goes in a straight line from one value to the other. Duty 0 is off, 1 is on,
 * what lies between is PWM. All lines of a group do the same, unless `levels` says of each whether it is on; the duty is 1 then.
 */
export interface Segment {
  readonly fromDuty: number;
  readonly toDuty: number;
  readonly ms: number;
  readonly levels?: readonly Level[];
}

/** What a line does over time: its segments in a cycle, and for how long. A steady level is a wave too, of one segment. */
export interface Wave {
  readonly segments: readonly Segment[];
  /** How often the segments are played; Infinity: until the time is up. */
  readonly cycles: number;
  /** The whole time in ms. Cycles that end sooner leave the line off until then. Infinity: until something else is played. */
  readonly totalMs: number;
}

/** A duty, or the level of each line, that holds until something else is played. */
export function steady(to: number | readonly Level[]): Wave {
  return wave([typeof to === "number" ? level(to) : levels(to)], {});
}

/** The duty of a wave that does not change, and null for one that does, or in which the lines differ. */
export function steadyDuty(wave: Wave): number | null {
  const only = steadySegment(wave);
  return only === null || only.levels !== undefined ? null : only.fromDuty;
}

/** Whether every line keeps one level for as long as the wave lasts. */
export function isSteadyLevel(wave: Wave): boolean {
  const only = steadySegment(wave);
  return only !== null && (only.fromDuty === 0 || only.fromDuty === 1);
}

function steadySegment({ segments, cycles, totalMs }: Wave): Segment | null {
  const [first] = segments;
  if (segments.length !== 1 || first === undefined || first.fromDuty !== first.toDuty) return null;
  const goesOff = cycles * first.ms < totalMs && first.fromDuty !== 0;
  return goesOff ? null : first;
}

/** Whether a wave goes on until something else is played. */
export function isEndless({ totalMs }: Wave): boolean {
  return totalMs === Number.POSITIVE_INFINITY;
}

/**
 * What a command asks of the line.
 * @param before what the line plays when the command starts; a toggle makes anything but steady off into off
 */
export function waveOf(command: CommandRequest, before: Wave): Wave {
  switch (command.op) {
    case "on":
      return wave([level(1)], command);
    case "off":
      return wave([level(0)], command);
    case "toggle":
      return wave([level(steadyDuty(before) === 0 ? 1 : 0)], command);
    case "value":
      return wave([level(command.value)], command);
    case "write":
      return wave([levels(command.levels)], command);
    case "blink":
      return wave([level(1, command.onMs), level(0, command.offMs)], command);
    case "pulse":
      return wave(
        [
          { fromDuty: 0, toDuty: 1, ms: command.fadeInMs },
          { fromDuty: 1, toDuty: 0, ms: command.fadeOutMs },
        ],
        command,
      );
    case "pattern":
      return wave(
        command.steps.map((step) => (step.levels === undefined ? level(step.level ?? 0, step.ms) : levels(step.levels, step.ms))),
        command,
      );
  }
}

function level(duty: number, ms = Number.POSITIVE_INFINITY): Segment {
  return { fromDuty: duty, toDuty: duty, ms };
}

/** Lines that agree are no more than a level. */
function levels(each: readonly Level[], ms?: number): Segment {
  const [first = 0] = each;
  return each.every((one) => one === first) ? level(first, ms) : { ...level(1, ms), levels: each };
}

function wave(segments: readonly Segment[], { n, durationMs }: { n?: number | undefined; durationMs?: number | undefined }): Wave {
  const cycles = n ?? Number.POSITIVE_INFINITY;
  const cycleMs = segments.reduce((sum, { ms }) => sum + ms, 0);
  return { segments, cycles, totalMs: durationMs ?? cycles * cycleMs };
}
