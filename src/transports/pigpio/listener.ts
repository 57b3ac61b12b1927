import { createServer } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { AccessRules } from "../../access/access-rules.ts";
import type { Clock } from "../../clock/clock.ts";
import type { Limits } from "../../protocol/limits.ts";
import { isLoopback, type ListenSettings, LOOPBACK, PIGPIO_PORT } from "../../protocol/listen.ts";
import type { Peer } from "../../supervisor/client.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import type { Log } from "../../supervisor/surroundings.ts";
import { type Listener, listenOn } from "../listener.ts";
import { SocketServer } from "../socket-server.ts";
import { PigpioConnection } from "./connection.ts";
import { Daemon } from "./daemon.ts";

const KEY = "listen.pigpio";

/** After so long without a word it is asked whether the program's machine is still there: handles are few, in ms. */
const KEEP_ALIVE_MS = 10_000;

/**
 * Serves programs that talk to pigpiod, by its socket interface. They are one client of the supervisor for each pin that they use.
 * @throws HoldfastError `ADDRESS_IN_USE`, `PERMISSION_DENIED`, `BAD_CONFIG`
 */
export async function listenForPigpio(
  settings: NonNullable<ListenSettings["pigpio"]>,
  supervisor: Supervisor,
  rules: AccessRules,
  clock: Clock,
  limits: Limits,
  log: Log,
): Promise<Listener> {
  const { address = LOOPBACK, port = PIGPIO_PORT } = settings;
  const access = rules.ofListener(KEY, settings.access);
  const peer: Peer = { transport: "pigpio", name: "pigpio", address: null, pid: null, uid: null, access: () => access };
  const lobby = supervisor.attach(peer, { ready: true, deliver: () => {} });
  const daemon = new Daemon({ supervisor, peer, lobby, clock, log });
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (connections >= limits.clients) {
      log.warn({ code: "LIMIT_CLIENTS", reason: `the listener serves ${limits.clients} connections at most` }, "client refused");
      socket.destroy();
      return;
    }
    connections += 1;
    socket.on("close", () => {
      connections -= 1;
    });
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    new PigpioConnection(daemon, socket, limits, log);
  });
  const served = new SocketServer(server, limits);
  const listening = listenOn(server, address, port, KEY).catch((error) => {
    lobby.end();
    throw error;
  });
  const told = { listener: "pigpio", address, port: await listening };
  log.info(told, "listening");
  if (!isLoopback(address)) log.warn(told, "whoever reaches this port may command pins: pigpio has neither TLS nor tokens");
  return {
    review: () => isDeepStrictEqual(rules.ofListener(KEY, settings.access), access),
    close: async () => {
      await served.close();
      await daemon.stop();
      lobby.end();
    },
  };
}
