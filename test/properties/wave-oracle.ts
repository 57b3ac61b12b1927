import type { CommandRequest, Level } from "../../src/protocol/requests.ts";

/** What a command's wave is, computed from the request alone: no clock, no state, whole microseconds. */

/** The period of software PWM. */
const PWM_US = 5_000;

/** A time with one level, in µs since the wave began. */
export interface Stretch {
  readonly level: Level;
  readonly fromUs: number;
  readonly untilUs: number;
}

interface Ramp {
  readonly from: number;
  readonly to: number;
  readonly us: number;
}

function ramps(request: Exclude<CommandRequest, { op: "toggle" }>): Ramp[] {
  const flat = (duty: number, ms = Number.POSITIVE_INFINITY) => ({ from: duty, to: duty, us: ms * 1000 });
  switch (request.op) {
    case "on":
      return [flat(1)];
    case "off":
      return [flat(0)];
    case "write":
      return [flat(request.levels[0] ?? 0)];
    case "value":
      return [flat(request.value)];
    case "blink":
      return [flat(1, request.onMs), flat(0, request.offMs)];
    case "pulse":
      return [
        { from: 0, to: 1, us: request.fadeInMs * 1000 },
        { from: 1, to: 0, us: request.fadeOutMs * 1000 },
      ];
    case "pattern":
      return request.steps.map(({ level, levels: [only] = [], ms }) => flat(level ?? only ?? 0, ms));
  }
}

/** The time of one cycle; Infinity: it has none. */
export function cycleUs(request: Exclude<CommandRequest, { op: "toggle" }>): number {
  return ramps(request).reduce((sum, { us }) => sum + us, 0);
}

/** The whole time of a command. */
export function totalUs(request: Exclude<CommandRequest, { op: "toggle" }>): number {
  const n = "n" in request ? request.n : undefined;
  return request.durationMs === undefined ? (n ?? Number.POSITIVE_INFINITY) * cycleUs(request) : request.durationMs * 1000;
}

function* ramp({ from, to, us }: Ramp, startUs: number): Generator<Stretch> {
  if (from === to && (from === 0 || from === 1)) {
    yield { level: from, fromUs: startUs, untilUs: startUs + us };
    return;
  }
  for (let atUs = 0; atUs < us; atUs += PWM_US) {
    const duty = us === Number.POSITIVE_INFINITY ? from : from + (to - from) * Math.min(1, (atUs + PWM_US / 2) / us);
    const offUs = atUs + duty * PWM_US;
    yield { level: 1, fromUs: startUs + atUs, untilUs: startUs + Math.min(us, offUs) };
    if (offUs < us) yield { level: 0, fromUs: startUs + offUs, untilUs: startUs + Math.min(us, atUs + PWM_US) };
  }
}

function* endless(request: Exclude<CommandRequest, { op: "toggle" }>): Generator<Stretch> {
  const n = ("n" in request ? request.n : undefined) ?? Number.POSITIVE_INFINITY;
  let startUs = 0;
  for (let cycle = 0; cycle < n; cycle++) {
    for (const one of ramps(request)) {
      yield* ramp(one, startUs);
      startUs += one.us;
    }
  }
  yield { level: 0, fromUs: startUs, untilUs: Number.POSITIVE_INFINITY };
}

/** What the line does, until the wave is over or the horizon comes; each stretch has another level than the one before. */
export function stretches(request: Exclude<CommandRequest, { op: "toggle" }>, horizonUs: number): Stretch[] {
  const endUs = Math.min(totalUs(request), horizonUs);
  const found: Stretch[] = [];
  for (const { level, fromUs, untilUs } of endless(request)) {
    if (fromUs >= endUs) break;
    if (untilUs <= fromUs) continue;
    const last = found.at(-1);
    const joined = last?.level === level ? (found.pop()?.fromUs ?? 0) : fromUs;
    found.push({ level, fromUs: joined, untilUs: Math.min(untilUs, endUs) });
  }
  return found;
}

/** The level at an instant; null: the wave is over. */
export function levelAt(request: Exclude<CommandRequest, { op: "toggle" }>, atUs: number): Level | null {
  if (atUs >= totalUs(request)) return null;
  for (const { level, fromUs, untilUs } of endless(request)) if (fromUs <= atUs && atUs < untilUs) return level;
  return null;
}
