import { createServer, type Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { RefusalLog } from "../access/refusal-log.ts";
import type { Access } from "../protocol/access.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { isLoopback, LOOPBACK, usualPorts } from "../protocol/listen.ts";
import { type Listener, type ListenerParts, listenOn } from "./listener.ts";
import { hangUp } from "./refuse.ts";
import { SocketServer } from "./socket-server.ts";

/** After so long without a word it is asked whether the other side's machine is still there: nothing is to be held for nobody, in ms. */
const KEEP_ALIVE_MS = 10_000;

/** What the tables of these listeners have in common. */
interface PlainSettings {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly access?: string | undefined;
}

/** What is served, once a listener knows what its clients may do. */
export interface PlainService {
  /** Serves a connection. @throws HoldfastError: it is refused */
  serve(socket: Socket): void;
  /** The last that a connection is told that is refused. Absent: nothing, and it is closed at once. */
  readonly farewell?: (error: unknown) => string;
  /** There are no connections any more, or there never were any. */
  readonly ended?: () => void | Promise<void>;
}

/**
 * Serves a protocol of others, which knows neither TLS nor tokens, on a TCP port. Whoever comes there has the rights that the listener's table gives.
 * @param begin what is served to clients with these rights
 * @throws HoldfastError `ADDRESS_IN_USE`, `PERMISSION_DENIED`, `BAD_CONFIG`
 */
export async function listenInPlain(
  name: "pigpio" | "remoteio",
  settings: PlainSettings,
  { rules, limits, log }: ListenerParts,
  begin: (access: Access) => PlainService,
): Promise<Listener> {
  const { address = LOOPBACK, port = usualPorts[name] } = settings;
  const key = `listen.${name}`;
  const access = rules.ofListener(key, settings.access);
  const { serve, farewell, ended } = begin(access);
  const refusals = new RefusalLog(log, () => performance.now());
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    try {
      serve(socket);
    } catch (error) {
      refusals.tell({ transport: name, address: socket.remoteAddress }, HoldfastError.from(error), "client refused");
      socket.on("error", () => {});
      if (farewell === undefined) return socket.destroy();
      socket.write(farewell(error));
      hangUp(socket);
    }
  });
  const served = new SocketServer(server, limits);
  const bound = await listenOn(server, address, port, key).catch(async (error) => {
    await ended?.();
    throw error;
  });
  const told = { listener: name, address, port: bound };
  log.info(told, "listening");
  if (!isLoopback(address)) log.warn(told, `whoever reaches this port may command pins: ${name} has neither TLS nor tokens`);
  return {
    review: () => isDeepStrictEqual(rules.ofListener(key, settings.access), access),
    close: async () => {
      await served.close();
      await ended?.();
    },
  };
}
