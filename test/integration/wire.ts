import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A cable between clients and a port, which can be cut: what is sent then arrives nowhere, and nobody is told. */
export class Wire implements Disposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param to the port that it leads to */
  static async to(to: number): Promise<Wire> {
    const server = createServer({ allowHalfOpen: true });
    const wire = new Wire(server);
    server.on("connection", (near) => wire.#join(near, connect({ port: to, host: "127.0.0.1", allowHalfOpen: true })));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing gets through. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** New connections get through again; those that were cut never come back. */
  mend(): void {
    this.#isCut = false;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket, far: Socket): void {
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("data", (bytes) => other.write(bytes));
      socket.on("end", () => other.end());
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
      if (this.#isCut) socket.pause();
    }
  }
}
