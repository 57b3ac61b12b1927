import type { Server, Socket } from "node:net";
import type { Limits } from "../protocol/limits.ts";

/** How long a peer may take to read the last that it is sent, in ms. */
export const LAST_READ_MS = 1000;

/** Connections beyond the limit on clients that are told why they are refused; more at once are closed without a word. */
const REFUSED_AT_ONCE = 64;

/** A server, and the connections that it has accepted. */
export class SocketServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /**
   * @param server which is not listening yet
   * @param limits `clients`: how many there may be
   */
  constructor(server: Server, limits: Pick<Limits, "clients">) {
    this.#server = server;
    // The limit may change, also while there are too many for anyone to be let in.
    Object.defineProperty(server, "maxConnections", { get: () => limits.clients + REFUSED_AT_ONCE });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** Takes no more connections, and ends those that there are once what was answered has been sent. Then each of them has told that it is closed. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Replies of this very turn, as that to `shutdown`, are yet to be written.
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of this.#sockets) socket.destroySoon();
    const impatience = setTimeout(() => this.#hangUp(), LAST_READ_MS);
    await closed;
    // Bun says that the server is closed before its connections say so of themselves, by which what they hold is given back.
    await Promise.all([...this.#sockets].map((socket) => new Promise<void>((gone) => socket.once("close", () => gone()))));
    clearTimeout(impatience);
  }

  /** Ends the connections of those who do not read. */
  #hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
