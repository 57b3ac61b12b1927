import { HoldfastError } from "../protocol/errors.ts";
import { type ClientOptions, HoldfastClient } from "./client.ts";
import { clientSocketPaths } from "./socket-path.ts";
import { overUnixSocket } from "./unix-link.ts";

/** How to find the supervisor, and how to connect. */
export interface ConnectOptions extends ClientOptions {
  /**
   * The socket, and no other. Default `HOLDFAST_SOCKET`; without that, the first that a supervisor answers on of
   * `$XDG_RUNTIME_DIR/holdfast.sock` and `/run/holdfast/holdfast.sock`.
   */
  readonly socket?: string;
}

/**
 * Connects to a running supervisor.
 * @throws HoldfastError `NOT_RUNNING`, `SOCKET_PATH`, `PERMISSION_DENIED`, `LIMIT_CLIENTS`, `BAD_PROTOCOL`
 */
export async function connect({ socket, ...options }: ConnectOptions = {}): Promise<HoldfastClient> {
  const { client } = await connectToFirst(socket === undefined ? clientSocketPaths() : [socket], options);
  return client;
}

/** Connects to the first of these sockets that a supervisor answers on. The client stays with that one when it reconnects. */
export async function connectToFirst(
  sockets: readonly string[],
  options: ClientOptions,
): Promise<{ readonly client: HoldfastClient; readonly socket: string }> {
  const silent: HoldfastError[] = [];
  for (const socket of sockets) {
    try {
      return { client: await HoldfastClient.over(overUnixSocket(socket), options), socket };
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === "NOT_RUNNING")) throw error;
      silent.push(error);
    }
  }
  const tried = silent.map(({ details: { path, reason } }) => `${path}: ${reason}`).join("; nor on ");
  throw new HoldfastError("NOT_RUNNING", `no supervisor answers on ${tried}`, { paths: sockets });
}
