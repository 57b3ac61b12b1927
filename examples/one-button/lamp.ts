// Each press of the button turns the lamp on, or off again. The button is a plain one: it joins GPIO4 with ground.
//
//   bun lamp.ts        with `holdfast serve` running, and presses.ts beside it, or not

import { connect } from "holdfast/client";

await using holdfast = await connect({ name: "lamp", reconnect: true });
await using lamp = await holdfast.output("GPIO17", { mode: "nowait" });
await using button = await holdfast.input("GPIO4", { bias: "pull-up", activeLow: true, debounceUs: 5000 });

for await (const _press of await button.edges({ edge: "rising" })) await lamp.toggle();
