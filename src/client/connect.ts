import { type ClientOptions, HoldfastClient } from "./client.ts";
import { clientSocketPath } from "./socket-path.ts";
import { overUnixSocket } from "./unix-link.ts";

/** How to find the supervisor, and how to connect. */
export interface ConnectOptions extends ClientOptions {
  /** The socket; default `HOLDFAST_SOCKET`, then `$XDG_RUNTIME_DIR/holdfast.sock`, then `/run/holdfast/holdfast.sock`. */
  readonly socket?: string;
}

/**
 * Connects to a running supervisor.
 * @throws HoldfastError `NOT_RUNNING`, `PERMISSION_DENIED`, `LIMIT_CLIENTS`, `BAD_PROTOCOL`
 */
export function connect({ socket = clientSocketPath(), ...options }: ConnectOptions = {}): Promise<HoldfastClient> {
  return HoldfastClient.over(overUnixSocket(socket), options);
}
