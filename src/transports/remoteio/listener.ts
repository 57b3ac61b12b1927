import type { Socket } from "node:net";
import type { Access } from "../../protocol/access.ts";
import type { ListenSettings } from "../../protocol/listen.ts";
import type { Peer } from "../../supervisor/client.ts";
import type { Listener, ListenerParts } from "../listener.ts";
import { listenInPlain } from "../plain-tcp.ts";
import { RemoteioConnection } from "./connection.ts";
import { farewell } from "./replies.ts";
import { Session } from "./session.ts";

/**
 * Serves the clients of remoteio, of the generation that has `wait` and `nowait` (October 2024): text over TCP, without any authentication.
 * @throws HoldfastError `ADDRESS_IN_USE`, `PERMISSION_DENIED`, `BAD_CONFIG`
 */
export function listenForRemoteio(settings: NonNullable<ListenSettings["remoteio"]>, parts: ListenerParts): Promise<Listener> {
  const { supervisor, log } = parts;
  const { mode = "wait" } = settings;
  return listenInPlain("remoteio", settings, parts, (access) => ({
    serve: (socket) => {
      const session = new Session(supervisor, peerOf(socket, access), mode);
      log.debug({ client: session.label }, "client connected");
      new RemoteioConnection(session, socket, log);
    },
    farewell,
  }));
}

function peerOf({ remoteAddress, remotePort }: Socket, access: Access): Peer {
  return { transport: "remoteio", name: "remoteio", address: `${remoteAddress}:${remotePort}`, pid: null, uid: null, access: () => access };
}
