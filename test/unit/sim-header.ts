import { SimulatedClock } from "../../src/clock/simulated.ts";
import type { InputSettings, LineId, LineListener, OutputSettings } from "../../src/gpio/backend.ts";
import { SimBackend } from "../../src/gpio/sim.ts";

/** A line of the simulated header. */
export const gpio = (offset: number): LineId => ({ chip: "sim:0", offset });

/** The plainest output. */
export const output: OutputSettings = { direction: "out", activeLow: false, bias: "as-is", drive: "push-pull", initial: 0 };

/** The plainest input. */
export const input: InputSettings = { direction: "in", activeLow: false, bias: "as-is", debounceUs: 0 };

/** Listens to nothing. */
export const deaf: LineListener = { edge: () => {}, fail: () => {} };

export const ignore = () => {};

/** A simulated header and the clock that moves it. */
export function build(): { readonly clock: SimulatedClock; readonly sim: SimBackend } {
  const clock = new SimulatedClock();
  return { clock, sim: new SimBackend({ clock }) };
}
