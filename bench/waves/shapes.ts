/** A wave that is on for a part of each period. */
export interface Shape {
  readonly name: string;
  readonly periodUs: number;
  readonly onUs: number;
}

/** A square wave of 1 kHz, as `blink` plays it. */
export const square: Shape = { name: "1 kHz, 50 %", periodUs: 1000, onUs: 500 };

/** PWM of the default frequency, as `value` plays it. */
export const pwm: readonly Shape[] = [0.01, 0.5, 0.99].map((duty) => ({
  name: `200 Hz, ${duty * 100} %`,
  periodUs: 5000,
  onUs: duty * 5000,
}));

/** All that are measured. */
export const shapes: readonly Shape[] = [square, ...pwm];

/** When the edge of this index is due, in µs from the first, which begins the first period. */
export function dueUs({ periodUs, onUs }: Shape, index: number): number {
  return Math.floor(index / 2) * periodUs + (index % 2) * onUs;
}

/** When a line changed its level, in µs from the first change. The first is to active, the next to inactive, and so on. */
export type Played = readonly number[];

/** What became of the edges of a wave. */
export interface Errors {
  /** By how much each edge was off, in µs. One that was left out is as late as the next that was not. */
  readonly errorsUs: readonly number[];
  /** How long each level lasted too long or too short, in µs. */
  readonly intervalErrorsUs: readonly number[];
  /** Of pulses that should have been, in percent. */
  readonly leftOutPercent: number;
}

/** Times within so many µs of an instant are taken for it: they have been rounded. */
const ROUNDING_US = 0.01;

/** Compares what a line did with what it should have done. @param skips whether periods may have been left out; otherwise each edge stands for the next that is due */
export function errorsOf(shape: Shape, played: Played, skips: boolean): Errors {
  const errorsUs: number[] = [];
  let due = 1;
  for (const [order, atUs] of played.entries()) {
    const index = skips ? latestDue(shape, atUs, order % 2 === 1) : order;
    for (; due <= index; due++) errorsUs.push(Math.abs(atUs - dueUs(shape, due)));
  }
  const levels = [shape.onUs, shape.periodUs - shape.onUs] as const;
  const intervalErrorsUs = played
    .slice(1)
    .map((atUs, before) => Math.abs(atUs - (played[before] as number) - (levels[before % 2] as number)));
  return { errorsUs, intervalErrorsUs, leftOutPercent: errorsUs.length === 0 ? 0 : (1 - (played.length - 1) / errorsUs.length) * 100 };
}

/** The last edge of a kind that was due at an instant. */
function latestDue({ periodUs, onUs }: Shape, atUs: number, falling: boolean): number {
  const sinceFirstUs = atUs + ROUNDING_US - (falling ? onUs : 0);
  return 2 * Math.floor(sinceFirstUs / periodUs) + (falling ? 1 : 0);
}
