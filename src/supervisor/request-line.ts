import type { GpioBackend, Line, LineGroupId, LineId, LineListener } from "../gpio/backend.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { type ConfiguredChannel, lineSettings, type PinSettings } from "./pin-settings.ts";

/** What `gpioinfo` shows of our lines. */
const CONSUMER = "holdfast";

/**
 * Requests the line of a pin from the kernel. Of one that is configured to be hardware PWM it takes the channel instead, and leaves the line
 * alone. Where the chips are simulated there are no channels: there it is a line like any other.
 * @throws HoldfastError `BAD_CONFIG` with the `key`, when there is no such PWM chip; what `GpioBackend.request` and `PwmOutputs.request` throw
 */
export function requestLine(
  backend: GpioBackend,
  id: LineId | LineGroupId,
  settings: PinSettings,
  pwm: ConfiguredChannel | undefined,
  listener: LineListener,
): Line {
  const wanted = lineSettings(settings, settings.initial);
  if (pwm === undefined || backend.pwm === undefined || wanted.direction !== "out") return backend.request(id, wanted, CONSUMER, listener);
  const channel = backend.pwm.find(pwm.channel);
  if (channel !== null) return backend.pwm.request(channel, wanted, 1_000_000 / settings.frequencyHz);
  const message = `${pwm.key}: there is no such PWM chip now: ${pwm.channel}; ls -l /sys/class/pwm/*/device lists them`;
  throw new HoldfastError("BAD_CONFIG", message, { key: pwm.key });
}
