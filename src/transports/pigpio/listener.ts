import { HoldfastError } from "../../protocol/errors.ts";
import type { ListenSettings } from "../../protocol/listen.ts";
import type { Peer } from "../../supervisor/client.ts";
import type { Listener, ListenerParts } from "../listener.ts";
import { listenInPlain } from "../plain-tcp.ts";
import { PigpioConnection } from "./connection.ts";
import { Daemon } from "./daemon.ts";

/**
 * Serves programs that talk to pigpiod, by its socket interface. They are one client of the supervisor for each pin that they use.
 * @throws HoldfastError `ADDRESS_IN_USE`, `PERMISSION_DENIED`, `BAD_CONFIG`
 */
export function listenForPigpio(settings: NonNullable<ListenSettings["pigpio"]>, parts: ListenerParts): Promise<Listener> {
  const { supervisor, clock, limits, log } = parts;
  return listenInPlain("pigpio", settings, parts, (access) => {
    const peer: Peer = { transport: "pigpio", name: "pigpio", address: null, pid: null, uid: null, access: () => access };
    const lobby = supervisor.attach(peer, { ready: true, deliver: () => {} });
    const daemon = new Daemon({ supervisor, peer, lobby, clock, log });
    let connections = 0;
    return {
      serve: (socket) => {
        if (connections >= limits.clients) {
          throw new HoldfastError("LIMIT_CLIENTS", `the listener serves ${limits.clients} connections at most`, { limit: limits.clients });
        }
        connections += 1;
        socket.on("close", () => {
          connections -= 1;
        });
        new PigpioConnection(daemon, socket, limits, log);
      },
      ended: async () => {
        await daemon.stop();
        lobby.end();
      },
    };
  });
}
