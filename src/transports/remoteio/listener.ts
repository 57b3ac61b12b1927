import { createServer, type Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { AccessRules } from "../../access/access-rules.ts";
import { RefusalLog } from "../../access/refusal-log.ts";
import type { Access } from "../../protocol/access.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Limits } from "../../protocol/limits.ts";
import { isLoopback, type ListenSettings, LOOPBACK, REMOTEIO_PORT } from "../../protocol/listen.ts";
import type { Peer } from "../../supervisor/client.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import type { Log } from "../../supervisor/surroundings.ts";
import { type Listener, listenOn } from "../listener.ts";
import { hangUp } from "../refuse.ts";
import { SocketServer } from "../socket-server.ts";
import { RemoteioConnection } from "./connection.ts";
import { farewell } from "./replies.ts";
import { Session } from "./session.ts";

const KEY = "listen.remoteio";

/** After so long without a word it is asked whether the client's machine is still there: its pins are not to be held for nobody, in ms. */
const KEEP_ALIVE_MS = 10_000;

/**
 * Serves the clients of remoteio, of the generation that has `wait` and `nowait` (October 2024): text over TCP, without any authentication.
 * @throws HoldfastError `ADDRESS_IN_USE`, `PERMISSION_DENIED`, `BAD_CONFIG`
 */
export async function listenForRemoteio(
  settings: NonNullable<ListenSettings["remoteio"]>,
  supervisor: Supervisor,
  rules: AccessRules,
  limits: Limits,
  log: Log,
): Promise<Listener> {
  const { address = LOOPBACK, port = REMOTEIO_PORT, mode = "wait" } = settings;
  const access = rules.ofListener(KEY, settings.access);
  const refusals = new RefusalLog(log, () => performance.now());
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    try {
      const session = new Session(supervisor, peerOf(socket, access), mode);
      log.debug({ client: session.label }, "client connected");
      new RemoteioConnection(session, socket, log);
    } catch (error) {
      refusals.tell({ transport: "remoteio", address: socket.remoteAddress }, HoldfastError.from(error), "client refused");
      socket.on("error", () => {});
      socket.write(farewell(error));
      hangUp(socket);
    }
  });
  const served = new SocketServer(server, limits);
  const told = { listener: "remoteio", address, port: await listenOn(server, address, port, KEY) };
  log.info(told, "listening");
  if (!isLoopback(address)) log.warn(told, "whoever reaches this port may command pins: remoteio has neither TLS nor tokens");
  return {
    review: () => isDeepStrictEqual(rules.ofListener(KEY, settings.access), access),
    close: () => served.close(),
  };
}

function peerOf({ remoteAddress, remotePort }: Socket, access: Access): Peer {
  return { transport: "remoteio", name: "remoteio", address: `${remoteAddress}:${remotePort}`, pid: null, uid: null, access: () => access };
}
