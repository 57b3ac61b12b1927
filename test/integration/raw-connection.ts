import type { Socket } from "node:net";
import { decode, encode, type Message } from "../../src/protocol/codec.ts";
import { FrameReader } from "../../src/protocol/framing.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { ByteConnection, dial } from "./byte-connection.ts";

const limits = { ...defaultLimits, messageBytes: 1024 * 1024 };

/** A connection that may send anything to a supervisor, and the messages that come back. */
export class RawConnection extends ByteConnection {
  readonly #reader = new FrameReader(limits);
  /** What has come and has not been taken. */
  readonly messages: Message[] = [];

  static async open(path: string): Promise<RawConnection> {
    return new RawConnection(await dial({ path }));
  }

  /** One over a socket that is connected. */
  static over(socket: Socket): RawConnection {
    return new RawConnection(socket);
  }

  protected override receive(chunk: Buffer): void {
    this.#reader.read(chunk, (frame) => this.messages.push(decode(frame, limits)));
  }

  request(...messages: readonly object[]): void {
    this.send(Buffer.concat(messages.map((message) => encode(message))));
  }
}
