import type { RefusalLog } from "../access/refusal-log.ts";
import type { Clock } from "../clock/clock.ts";
import type { SharedMemory } from "../frames/memory.ts";
import type { GpioBackend } from "../gpio/backend.ts";
import type { ProcessHost } from "../processes/process-host.ts";
import type { Processes } from "../processes/processes.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Transitions } from "./addresses/transitions.ts";
import type { Tally } from "./tally.ts";

/** Where a supervisor tells what happens, for the one who runs it. A pino logger is one. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the parts of a supervisor share: the world that it was given, its limits, and what it counts. */
export interface Surroundings {
  readonly backend: GpioBackend;
  readonly memory: SharedMemory;
  readonly processes: Processes;
  /** Where supervised processes run. */
  readonly host: ProcessHost;
  readonly clock: Clock;
  /** What they say may change at any time: who keeps one keeps an old one. */
  readonly limits: Limits;
  readonly tally: Tally;
  readonly log: Log;
  /** Where every actor tells that it has changed. */
  readonly transitions: Transitions;
  /** What clients were refused. */
  readonly refusals: RefusalLog;
}
