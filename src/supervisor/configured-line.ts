import type { NamedLine, PinNames } from "../gpio/pin-names.ts";
import { badConfig } from "../protocol/assert-config.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Log } from "./surroundings.ts";

/**
 * The line that the configuration means by a name; undefined: it may come with a chip that is not there yet, which the log is told.
 * @param key where the configuration says it: `pin.GPIO17`
 * @throws HoldfastError `BAD_CONFIG` with the `key`: a name that fits no line and never will, or several, or a group
 */
export function configuredLine(name: string, key: string, names: PinNames, log: Log): NamedLine | undefined {
  try {
    return names.resolve(name);
  } catch (error) {
    const { code, message } = HoldfastError.from(error);
    if (name.split("+").some((part) => name !== part && names.fitting(part).length > 0)) {
      throw badConfig(key, `${name} is a group: say it of each of its lines`);
    }
    if (code !== "PIN_UNKNOWN" || !names.mayAppear(name)) throw badConfig(key, message);
    log.warn({ key, pin: name }, `the configuration speaks of a pin that is not there now: ${message}`);
    return undefined;
  }
}
