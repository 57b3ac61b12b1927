import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import type { AccessRules } from "../../access/access-rules.ts";
import { RefusalLog } from "../../access/refusal-log.ts";
import { badConfig } from "../../protocol/assert-config.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import { isLoopback, isOpenToAll, LOOPBACK, TCP_PORT, type TcpSettings } from "../../protocol/listen.ts";
import type { RequestOf } from "../../protocol/requests.ts";
import type { Log } from "../../supervisor/surroundings.ts";
import { Connection } from "../connection.ts";
import { type Listener, type ListenerParts, listenOn } from "../listener.ts";
import { refuse } from "../refuse.ts";
import { SocketServer } from "../socket-server.ts";
import { certifiedName, tlsOptions } from "./certificate.ts";
import { Doorway } from "./doorway.ts";
import { awaitHello } from "./hello.ts";

/** The table of the configuration. */
const KEY = "listen.tcp";

/** How long a connection may take to agree on TLS and to say hello, in ms. */
const HELLO_MS = 5000;

/** Who sends nothing for so long is disconnected, unless it is configured, in ms. */
const DEFAULT_HEARTBEAT_MS = 10_000;

/** A TCP port, with TLS or without, on which a supervisor serves. */
export class TcpListener implements Listener {
  readonly #settings: TcpSettings;
  readonly #parts: ListenerParts;
  /** Null: it has none. */
  readonly #tls: TlsOptions | null;
  readonly #doorway: Doorway;
  readonly #refusals: RefusalLog;
  readonly #server: Server;
  readonly #served: SocketServer;

  private constructor(settings: TcpSettings, tls: TlsOptions | null, parts: ListenerParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#tls = tls;
    this.#doorway = new Doorway(Math.min(HELLO_MS, this.#heartbeatMs));
    this.#refusals = new RefusalLog(parts.log, () => performance.now());
    const options = { allowHalfOpen: true };
    this.#server = tls === null ? createServer(options) : createTlsServer({ ...options, ...tls, handshakeTimeout: HELLO_MS });
    this.#served = new SocketServer(this.#server, parts.limits);
    this.#server.on("connection", (socket: Socket) => this.#doorway.enter(socket));
    this.#server.on(tls === null ? "connection" : "secureConnection", (socket: Socket) => this.#greet(socket));
    this.#server.on("tlsClientError", ({ message }: Error, socket: TLSSocket) => {
      parts.log.debug({ address: socket.remoteAddress, reason: message }, "no TLS connection");
      socket.destroy();
    });
  }

  /**
   * Serves on a port.
   * @throws HoldfastError `BAD_CONFIG` with the `key`, `ADDRESS_IN_USE`, `PERMISSION_DENIED`
   */
  static async open(settings: TcpSettings, parts: ListenerParts): Promise<TcpListener> {
    const { address = LOOPBACK, port = TCP_PORT } = settings;
    const listener = new TcpListener(settings, tcpOptions(settings, parts.rules, parts.log), parts);
    const bound = await listenOn(listener.#server, address, port, KEY);
    const told = { listener: "tcp", address, port: bound, tls: listener.#tls !== null };
    parts.log.info(told, "listening");
    if (isOpenToAll(settings)) parts.log.warn(told, "insecure = true: other machines may come here without TLS or without a token");
    return listener;
  }

  /** Not with a certificate that has been renewed. */
  review(): boolean {
    const { rules, log } = this.#parts;
    return isDeepStrictEqual(tcpOptions(this.#settings, rules, log), this.#tls);
  }

  close(): Promise<void> {
    return this.#served.close();
  }

  get #heartbeatMs(): number {
    return this.#settings.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
  }

  #greet(socket: Socket): void {
    const { log } = this.#parts;
    const address = (socket.remoteAddress ?? "unknown").replace(/^::ffff:(?=[\d.]+$)/, "");
    socket.setNoDelay(true).setKeepAlive(true);
    socket.on("error", (error) => log.debug({ err: error, address }, "connection failed"));
    const refused = (error: HoldfastError) => this.#refusals.tell({ transport: "tcp", address }, error, "client refused");
    try {
      const certificate = this.#settings.clientCertificates === undefined ? undefined : certifiedName(socket as TLSSocket);
      awaitHello(socket, (hello, bytes) => this.#admit(socket, address, certificate, hello, bytes), refused);
    } catch (error) {
      refuse(socket, error);
      refused(HoldfastError.from(error));
    }
  }

  /** @throws HoldfastError `FORBIDDEN`, `LIMIT_CLIENTS`, `SHUTTING_DOWN` */
  #admit(socket: Socket, address: string, certificate: string | undefined, { token, name }: RequestOf<"hello">, bytes: Uint8Array): void {
    const { supervisor, rules, limits, log } = this.#parts;
    const access = () => rules.ofNetworkClient({ token, certificate }, KEY, this.#settings.access);
    const peer = { transport: "tcp", address, name, pid: null, uid: null, access, heartbeatMs: this.#heartbeatMs };
    const connection = new Connection(supervisor, socket, peer, limits, log);
    this.#doorway.pass(socket);
    connection.receive(bytes);
  }
}

/**
 * Whether a listener may be open with these settings by these rules, and what they say of TLS; null: it has none.
 * @throws HoldfastError `BAD_CONFIG` with the `key`
 */
export function tcpOptions(settings: TcpSettings, rules: AccessRules, log: Log): TlsOptions | null {
  assertKnowsItsClients(settings, rules);
  // What clients without a token have; with none of that, they need one.
  if (settings.access !== undefined) rules.ofListener(KEY, settings.access);
  return tlsOptions(settings, KEY, log);
}

/** Whoever comes from another machine shows who it is. @throws HoldfastError `BAD_CONFIG` */
function assertKnowsItsClients({ address, insecure, access, clientCertificates }: TcpSettings, rules: AccessRules): void {
  if (insecure === true || isLoopback(address) || clientCertificates !== undefined) return;
  const remedy = "insecure = true does so all the same, if that is wanted";
  if (access !== undefined) throw badConfig(`${KEY}.access`, `lets other machines in without a token; ${remedy}`);
  if (rules.knowsNetworkClients) return;
  const message = `lets other machines in, and no table [access.NAME] has a token by which to know them (holdfast token makes one); ${remedy}`;
  throw badConfig(`${KEY}.address`, message);
}
