import type { Clock } from "../clock/clock.ts";
import type { GpioBackend } from "../gpio/backend.ts";
import { ChardevBackend } from "../gpio/chardev/chardev.ts";
import { chipPaths } from "../gpio/chardev/nodes.ts";
import { SimBackend } from "../gpio/sim.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ServeFlags } from "./serve.ts";

/**
 * Real chips wherever there is any sign of them: nobody gets a pretended success.
 * @throws HoldfastError `NO_BACKEND`; `PERMISSION_DENIED` when there are chips that may not be opened
 */
export function chooseBackend(kind: ServeFlags["backend"], clock: Clock): GpioBackend {
  if (kind === "sim") return new SimBackend({ clock });
  const { usable, denied } = chipPaths();
  if (usable.length + denied.length > 0) {
    const chardev = new ChardevBackend();
    if (chardev.chips().length > 0) return chardev;
    throw new HoldfastError("NO_BACKEND", `no GPIO chip answers behind ${usable.join(", ")}`, { paths: usable });
  }
  if (kind === "chardev") throw new HoldfastError("NO_BACKEND", "this machine has no GPIO chip: there is no /dev/gpiochip*");
  return new SimBackend({ clock });
}
