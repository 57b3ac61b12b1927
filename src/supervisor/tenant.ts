import type { CancelReason, Command } from "../../actors/pin.ts";
import type { Edge } from "../gpio/backend.ts";
import type { Levels } from "../gpio/levels.ts";
import type { HoldfastError } from "../protocol/errors.ts";
import type { PinState } from "../protocol/replies.ts";
import type { Mode } from "../protocol/requests.ts";

/** Who uses an open line: an output or an input. */
export interface Tenant {
  readonly direction: "out" | "in";
  readonly state: PinState;
  /** Null: an input. */
  readonly mode: Mode | null;
  readonly queued: number;
  /** The command that has the line. */
  readonly command: Command | null;
  /** The duty commanded; null: an input, or a wave runs. */
  readonly value: number | null;
  /** The levels of its lines while they are steady, else null. */
  readonly level: Levels | null;
  /** It is giving the line back, or has: the line may not be touched any more. */
  readonly released: boolean;
  /** Until a closing tenant has given the line back, as far as can be told. */
  readonly remainingMs: number;
  /** Soft: what has been accepted still runs, then the line is given back. */
  close(): void;
  /** Gives the line back at once. */
  abort(reason: CancelReason): void;
  /** Leaves the line, requested as it is, to the next tenant. */
  retire(): void;
}

/** What a tenant tells of itself. */
export interface TenantHooks {
  /** Its state or its command may have changed. @param event what it was told; of a command which one */
  changed(event: string): void;
  /** A line has a new level. */
  edge(edge: Edge): void;
  /** The line has failed. */
  failed(error: HoldfastError): void;
  /** The line has been given back. */
  closed(): void;
}
