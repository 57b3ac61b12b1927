// Prints for how long the button was pressed each time. Inputs have no owner: lamp.ts has the same button, and neither knows of the other.
//
//   bun presses.ts     with `holdfast serve` running

import { connect } from "holdfast/client";

await using holdfast = await connect({ name: "presses", reconnect: true });
await using button = await holdfast.input("GPIO4", { bias: "pull-up", activeLow: true, debounceUs: 5000 });

let pressedNs: bigint | null = null;
for await (const { level, timestampNs } of await button.edges()) {
  if (level === 1) pressedNs = timestampNs;
  else if (pressedNs !== null) console.log(`pressed for ${Number((timestampNs - pressedNs) / 1_000_000n)} ms`); // the kernel's time, not ours
}
