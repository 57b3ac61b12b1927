import { connect, type Socket } from "node:net";
import { decode, encode, type Message } from "../../src/protocol/codec.ts";
import { FrameReader } from "../../src/protocol/framing.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const limits = { ...defaultLimits, messageBytes: 1024 * 1024 };

/** A connection that sends whatever bytes it is given, and reads only when it is asked to. */
export class RawConnection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader(limits);
  /** What has come and has not been taken. */
  readonly messages: Message[] = [];
  /** The supervisor sends no more. */
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

  static open(path: string): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path, allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawConnection(socket)));
    });
  }

  /** One over a socket that is connected. */
  static over(socket: Socket): RawConnection {
    return new RawConnection(socket);
  }

  /** From now on, what comes is read. */
  read(): this {
    this.#socket.on("data", (chunk) => this.#reader.read(chunk as Uint8Array, (frame) => this.messages.push(decode(frame, limits))));
    return this;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  request(...messages: readonly object[]): void {
    this.send(Buffer.concat(messages.map((message) => encode(message))));
  }

  /** Sends no more, and still reads. */
  end(): void {
    this.#socket.end();
  }

  /** Bytes that the supervisor has not taken from the kernel, and that the kernel has not taken from here. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
