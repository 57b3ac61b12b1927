import { ChardevBackend } from "../../src/gpio/chardev/chardev.ts";
import { libc } from "../../src/gpio/chardev/libc.ts";
import { conformsAsGpioBackend } from "../conformance/gpio-backend.ts";
import { SimulatedChip } from "./simulated-chip.ts";

conformsAsGpioBackend("chardev", () => {
  const chip = new SimulatedChip();
  return {
    backend: new ChardevBackend(),
    line: chip.line(17),
    other: chip.line(27),
    // A wire of the kernel's simulator is never let go of: its last pull stands, as far as no output beats it.
    drive: ({ offset }, level) => level !== null && chip.drive(offset, level),
    physical: ({ offset }) => chip.level(offset),
    nowNs: () => libc().monotonicNs(),
    pass: (ms) => Bun.sleep(ms),
    close: () => chip.remove(),
  };
});
