import { type CommandName, commandNumbers } from "../../src/transports/pigpio/command-numbers.ts";
import { REPORT_BYTES, type Report } from "../../src/transports/pigpio/report.ts";
import { decodeReport } from "../pigpio-report.ts";
import { ByteConnection, dial } from "./byte-connection.ts";
import { eventually } from "./processes.ts";

const REPLY_BYTES = 16;

/** A connection of a pigpio program, which can send any bytes, too. */
export class PigpioSocket extends ByteConnection {
  #bytes: Buffer = Buffer.alloc(0);

  static async open(port: number): Promise<PigpioSocket> {
    return new PigpioSocket((await dial({ port, host: "127.0.0.1", allowHalfOpen: false })).setNoDelay(true));
  }

  protected override receive(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  /** How many bytes have come and not been taken. */
  get waiting(): number {
    return this.#bytes.length;
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
