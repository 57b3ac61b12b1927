import { connect, type NetConnectOpts, type Socket } from "node:net";

/** A connection that sends whatever bytes it is given, and reads only when it is asked to. What comes is its protocol's affair. */
export abstract class ByteConnection {
  readonly #socket: Socket;
  /** All that was to be sent. */
  sentBytes = 0;
  /** The other side sends no more. */
  ended = false;
  /** The connection is over. */
  closed = false;

  /** @param socket that is connected */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.ended = this.closed = true;
    });
    // A reset is an end like any other: the test sees that it is closed.
    socket.on("error", () => {});
  }

  /** Bytes have come. */
  protected abstract receive(chunk: Buffer): void;

  /** From now on, what comes is read. */
  read(): this {
    this.#socket.on("data", (chunk) => this.receive(chunk as Buffer));
    return this;
  }

  send(bytes: string | Uint8Array): void {
    const sent = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    this.sentBytes += sent.length;
    this.#socket.write(sent);
  }

  /** Sends the same again and again, until the kernel takes no more of it: how much it holds differs from one machine to the next. */
  sendUntilItWaits(bytes: Uint8Array): void {
    while (this.#socket.writableLength === 0) this.send(bytes);
  }

  /** Bytes that the kernel has taken from here, whether or not the other side has read them. */
  get takenBytes(): number {
    return this.sentBytes - this.#socket.writableLength;
  }

  /** Sends no more, and still reads. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** A socket that is connected, for any of them. */
export function dial(where: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ allowHalfOpen: true, ...where });
    socket.once("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}
