/** Names of pins or pools; `*`: all. */
export type Names = "*" | readonly string[];

/** What a client may do. */
export interface Access {
  /** The table of the configuration that says so; null: nothing is said of it, and it may do everything. */
  readonly rule: string | null;
  /** Pins whose levels and states it may see. */
  readonly read: Names;
  /** Pins that it may open as inputs, and whose edges it may be told of. */
  readonly watch: Names;
  /** Pins that it may open as outputs, and command. */
  readonly command: Names;
  /** Pools that it may use. */
  readonly frames: Names;
  /** Whether it may end the supervisor, and drive simulated lines from outside. */
  readonly admin: boolean;
}

/** That of clients of whom nothing is said. */
export const fullAccess: Access = { rule: null, read: "*", watch: "*", command: "*", frames: "*", admin: true };
