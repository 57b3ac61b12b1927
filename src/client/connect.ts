import { HoldfastError } from "../protocol/errors.ts";
import { type Address, addressInWords, parseAddress } from "./address.ts";
import { type ClientOptions, HoldfastClient } from "./client.ts";
import { type Credentials, credentialsOf } from "./credentials.ts";
import { clientSocketPaths } from "./socket-path.ts";
import { overTcp } from "./tcp-link.ts";
import { overUnixSocket } from "./unix-link.ts";

/** How to find the supervisor, and how to connect. */
export interface ConnectOptions extends ClientOptions, Credentials {
  /**
   * Where it is: `holdfast://host:port` over the network with TLS, `unix:/path`, or without TLS `holdfast+tcp://host:port`.
   * Default: `HOLDFAST_URL`, and without that a socket.
   */
  readonly url?: string;
  /**
   * The socket, and no other. Default `HOLDFAST_SOCKET`; without that, the first that a supervisor answers on of
   * `$XDG_RUNTIME_DIR/holdfast.sock` and `/run/holdfast/holdfast.sock`.
   */
  readonly socket?: string;
}

/**
 * Connects to a running supervisor.
 * @throws HoldfastError `NOT_RUNNING`, `SOCKET_PATH`, `PERMISSION_DENIED`, `TLS_FAILED`, `FORBIDDEN`, `LIMIT_CLIENTS`, `BAD_PROTOCOL`; `BAD_FIELD` for a
 *   `url` or `fingerprint` that is none
 */
export async function connect({ url, socket, ...options }: ConnectOptions = {}): Promise<HoldfastClient> {
  const { client } = await connectToFirst(clientAddresses(url, socket), options);
  return client;
}

/**
 * Where a client looks for a supervisor: where it is told to, or else where the environment says.
 * @throws HoldfastError `BAD_FIELD` for a URL that is none, and for a URL and a socket at once
 */
export function clientAddresses(url?: string, socket?: string): readonly Address[] {
  if (url !== undefined && socket !== undefined) {
    throw new HoldfastError("BAD_FIELD", "url: is there beside socket, and only one of them can be meant", { field: "url" });
  }
  if (socket !== undefined) return [{ kind: "unix", path: socket }];
  const { HOLDFAST_URL } = process.env;
  const named = url ?? (HOLDFAST_URL || undefined);
  return named === undefined ? clientSocketPaths().map((path) => ({ kind: "unix", path })) : [parseAddress(named)];
}

/** Connects to the first of these addresses that a supervisor answers on. The client stays with that one when it reconnects. */
export async function connectToFirst(
  addresses: readonly Address[],
  options: ClientOptions & Credentials,
): Promise<{ readonly client: HoldfastClient; readonly address: Address }> {
  const silent: HoldfastError[] = [];
  for (const address of addresses) {
    try {
      return { client: await connectTo(address, options), address };
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === "NOT_RUNNING")) throw error;
      silent.push(error);
    }
  }
  const tried = silent.map(({ details: { path, reason } }) => `${path}: ${reason}`).join("; nor on ");
  throw new HoldfastError("NOT_RUNNING", `no supervisor answers on ${tried}`, { paths: addresses.map(addressInWords) });
}

function connectTo(address: Address, options: ClientOptions & Credentials): Promise<HoldfastClient> {
  if (address.kind === "unix") return HoldfastClient.over(overUnixSocket(address.path), options);
  const { token, ...credentials } = credentialsOf(options);
  return HoldfastClient.over(overTcp(address, credentials), options, token);
}
