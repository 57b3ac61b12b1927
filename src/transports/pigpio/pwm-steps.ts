/**
 * The frequencies of PWM that pigpiod offers, in Hz, and how many steps the duty has at each: those of its default sample rate of 5 µs
 * (pigpio's documentation of set_PWM_frequency; pigpio.c, pwmRealRange). Programs ask for one and are told the nearest.
 */
const pwmSteps = [
  { hz: 8000, steps: 25 },
  { hz: 4000, steps: 50 },
  { hz: 2000, steps: 100 },
  { hz: 1600, steps: 125 },
  { hz: 1000, steps: 200 },
  { hz: 800, steps: 250 },
  { hz: 500, steps: 400 },
  { hz: 400, steps: 500 },
  { hz: 320, steps: 625 },
  { hz: 250, steps: 800 },
  { hz: 200, steps: 1000 },
  { hz: 160, steps: 1250 },
  { hz: 100, steps: 2000 },
  { hz: 80, steps: 2500 },
  { hz: 50, steps: 4000 },
  { hz: 40, steps: 5000 },
  { hz: 20, steps: 10_000 },
  { hz: 10, steps: 20_000 },
] as const;

/** One of them. */
export type PwmStep = (typeof pwmSteps)[number];

/** What a GPIO has until it is told another (pigpio.c, DEFAULT_PWM_IDX). */
export const DEFAULT_PWM_STEP: PwmStep = pwmSteps[5];

/** The one that is nearest to a frequency; of two that are as near the higher one. */
export function nearestPwmStep(hz: number): PwmStep {
  return pwmSteps.reduce<PwmStep>((best, step) => (Math.abs(step.hz - hz) < Math.abs(best.hz - hz) ? step : best), pwmSteps[0]);
}
