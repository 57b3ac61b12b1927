import { connect, type Socket } from "node:net";

/** A connection to a TCP port of this machine that sends any bytes, and keeps the text that comes back once it is asked to read. */
export class TextConnection {
  readonly #socket: Socket;
  /** What has come and has not been taken. */
  text = "";
  /** The other side sends no more. */
  ended = false;
  /** The connection is over. */
  closed = false;

  private constructor(socket: Socket) {
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

  static open(port: number): Promise<TextConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new TextConnection(socket.setNoDelay(true))));
    });
  }

  /** From now on, what comes is read. */
  read(): this {
    this.#socket.on("data", (chunk) => {
      this.text += chunk.toString("latin1");
    });
    return this;
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** All that has come. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }

  /** Bytes that the other side has not taken from the kernel, and that the kernel has not taken from here. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Sends no more, and still reads. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
