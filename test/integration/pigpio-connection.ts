import { connect, type Socket } from "node:net";
import { type CommandName, commandNumbers } from "../../src/transports/pigpio/command-numbers.ts";
import { REPORT_BYTES, type Report } from "../../src/transports/pigpio/report.ts";
import { decodeReport } from "../unit/pigpio-stage.ts";
import { eventually } from "./processes.ts";

const REPLY_BYTES = 16;

/** A connection of a pigpio program, which can send any bytes, too. */
export class PigpioSocket {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  /** How many bytes have come and not been taken. */
  get waiting(): number {
    return this.#bytes.length;
  }
  /** The connection is over. */
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("close", () => {
      this.closed = true;
    });
    // A reset is an end like any other: the test sees that it is closed.
    socket.on("error", () => {});
  }

  static open(port: number): Promise<PigpioSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new PigpioSocket(socket.setNoDelay(true))));
    });
  }

  /** From now on, what comes is read. */
  read(): this {
    this.#socket.on("data", (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk as Uint8Array]);
    });
    return this;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Gives a command and waits for its result. */
  async ask(name: CommandName | number, p1 = 0, p2 = 0, ...extension: readonly number[]): Promise<number> {
    this.send(commandBytes(name, p1, p2, ...extension));
    return this.result();
  }

  /** The result of the next reply. */
  async result(): Promise<number> {
    return (await this.#take(REPLY_BYTES)).readInt32LE(REPLY_BYTES - 4);
  }

  /** The next report. */
  async report(): Promise<Report> {
    return decodeReport(await this.#take(REPORT_BYTES));
  }

  /** Bytes that the other side has not taken from the kernel, and that the kernel has not taken from here. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Sends no more. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #take(length: number): Promise<Buffer> {
    await eventually(`${length} bytes`, () => this.#bytes.length >= length);
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }
}

/** A command as it is sent, with words behind it. */
export function commandBytes(name: CommandName | number, p1 = 0, p2 = 0, ...extension: readonly number[]): Uint8Array {
  const number = typeof name === "number" ? name : commandNumbers[name];
  return new Uint8Array(Uint32Array.of(number, p1, p2, extension.length * 4, ...extension).buffer);
}
