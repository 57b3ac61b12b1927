import type { PinNames } from "../gpio/pin-names.ts";
import type { AccessTable } from "../protocol/access.ts";
import { keyOf } from "../protocol/assert-config.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { configuredLine } from "./configured-line.ts";
import type { Log } from "./surroundings.ts";

/** The tables `[access.NAME]`, by their names. */
export type AccessTables = Readonly<Record<string, AccessTable>>;

/**
 * Every pin that tables give rights to and that is no line of this machine, nor may become one, as a HoldfastError `BAD_CONFIG` with the `key`.
 * @param log is told of those that are not there now
 */
export function* mistakesInAccess(tables: AccessTables, names: PinNames, log: Log): Generator<HoldfastError> {
  for (const [table, { read, watch, command }] of Object.entries(tables)) {
    for (const [right, pins = []] of Object.entries({ read, watch, command })) {
      for (const name of pins === "*" ? [] : pins) {
        if (name === "*") continue;
        try {
          configuredLine(name, keyOf(["access", table, right]), names, log);
        } catch (error) {
          yield HoldfastError.from(error);
        }
      }
    }
  }
}
