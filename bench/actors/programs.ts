import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Counts what it is sent. */
const counter = `
import { assign, setup } from "xstate";
import { defineActor } from "holdfast";
export default defineActor({
  events: { count: {} },
  machine: ({ types }) => setup({ types: { ...types, context: {} as { counted: number } } }).createMachine({
    context: { counted: 0 },
    on: { count: { actions: assign({ counted: ({ context }) => context.counted + 1 }) } },
  }),
});
`;

/** Commands a pin and publishes what it has done, 100 times a second. */
const acting = (pin: number) => `
import { assign, setup } from "xstate";
import { defineActor } from "holdfast";
export default defineActor({
  pins: { lamp: { out: "GPIO${pin}" } },
  topics: { turn: { publish: "bench/GPIO${pin}" } },
  machine: ({ pins, topics, types }) => setup({ types: { ...types, context: {} as { turns: number } } }).createMachine({
    context: { turns: 0 },
    initial: "acting",
    states: {
      acting: {
        entry: [pins.lamp.toggle(), assign({ turns: ({ context }) => context.turns + 1 }), topics.turn.publish(({ context }) => context.turns)],
        after: { 10: { target: "acting", reenter: true } },
      },
    },
  }),
});
`;

/** Computes for half of the time: 5 ms of each 10 ms. */
const computing = (number: number) => `
import { setup } from "xstate";
import { defineActor } from "holdfast";
const compute = () => {
  for (const end = performance.now() + 5; performance.now() < end; );
};
export default defineActor({
  machine: ({ types }) => setup({ types, actions: { compute } }).createMachine({
    id: "computing${number}",
    initial: "computing",
    states: { computing: { entry: "compute", after: { 5: { target: "computing", reenter: true } } } },
  }),
});
`;

/** How many of each kind are busy. */
export const BUSY = 10;

/** The pins of those that act: none that is measured. */
const pins = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** What users' actors do while commands are measured. */
export type Business = "none" | "acting" | "computing";

/** Writes a folder of actors. @returns its path */
export function writeActors(folder: string, business: Business): string {
  const path = join(folder, `${business}.d`);
  mkdirSync(path);
  writeFileSync(join(path, "counter.ts"), counter);
  if (business !== "none") {
    for (const [index, pin] of pins.slice(0, BUSY).entries()) {
      writeFileSync(join(path, `${business}${index}.ts`), business === "acting" ? acting(pin) : computing(index));
    }
  }
  return path;
}
