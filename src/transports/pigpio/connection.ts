import type { Socket } from "node:net";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Log } from "../../supervisor/surroundings.ts";
import { hangUp } from "../refuse.ts";
import { type Command, CommandReader, encodeReply } from "./command-reader.ts";
import type { Daemon } from "./daemon.ts";
import type { Program } from "./notifications.ts";

/** With so many bytes unsent a program does not keep up: its commands and its reports wait. */
const PRESSED_BYTES = 64 * 1024;

/** So many commands of one program are served, then it is others' turn: hundreds that ask without a pause are not to be waited for. */
const SERVED_AT_ONCE = 16;

/**
 * One connection of a program. Its commands are answered in their order, and the next ones are read when those that have come are answered.
 * Reports come in between; of those that a program is too slow for, the latest are kept.
 */
export class PigpioConnection implements Program {
  readonly #daemon: Daemon;
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #log: Log;
  readonly #reader = new CommandReader();
  readonly label: string;
  readonly address: string;
  #commands: Command[] = [];
  #serving = false;
  #unwritten: Uint8Array[] = [];
  /** Reports that wait for the program to read. */
  #waiting: Uint8Array[] = [];
  #lost = 0;
  /** Told when the program has read something, or has gone. */
  #relieve = () => {};
  /** No more commands come. */
  #ended = false;

  constructor(daemon: Daemon, socket: Socket, limits: Limits, log: Log) {
    this.#daemon = daemon;
    this.#socket = socket;
    this.#limits = limits;
    this.#log = log;
    this.address = socket.remoteAddress ?? "unknown";
    this.label = `pigpio ${this.address}:${socket.remotePort}`;
    log.debug({ client: this.label }, "client connected");
    socket.on("error", (error) => log.debug({ err: error, client: this.label }, "connection failed"));
    socket.on("data", (chunk) => this.#receive(chunk as Uint8Array));
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#close());
  }

  report(bytes: Uint8Array): void {
    if (this.#waiting.length === 0 && !this.#pressed) return this.#send(bytes);
    this.#waiting.push(bytes);
    if (this.#waiting.length <= this.#limits.backlogEvents) return;
    this.#waiting.shift();
    if (this.#lost++ === 0) this.#log.warn({ client: this.label }, "client does not read its notifications; the oldest are dropped");
  }

  get #pressed(): boolean {
    return this.#socket.writableLength >= PRESSED_BYTES;
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    try {
      this.#reader.read(chunk, (command) => this.#commands.push(command));
    } catch (error) {
      const { address, label } = this;
      this.#daemon.refusals.tell({ transport: "pigpio", address, client: label }, HoldfastError.from(error), "client disconnected");
      this.#ended = true;
    }
    if (!this.#serving) void this.#serve();
  }

  #end(): void {
    this.#ended = true;
    if (!this.#serving) void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    this.#socket.pause();
    let served = 0;
    for (let command = this.#commands.shift(); command !== undefined; command = this.#commands.shift()) {
      this.#send(encodeReply(command, await this.#daemon.obey(this, command)));
      if (this.#pressed) await this.#relief();
      if (++served % SERVED_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#serving = false;
    this.#flush();
    if (this.#ended) hangUp(this.#socket);
    else this.#socket.resume();
  }

  /** Sends with whatever else is sent at the same moment. */
  #send(bytes: Uint8Array): void {
    if (this.#unwritten.length === 0) queueMicrotask(() => this.#flush());
    this.#unwritten.push(bytes);
  }

  #flush(): void {
    const bytes = this.#unwritten;
    this.#unwritten = [];
    if (bytes.length > 0 && this.#socket.writable) this.#socket.write(Buffer.concat(bytes), () => this.#read());
  }

  /** The program has read something. */
  #read(): void {
    if (this.#pressed) return;
    this.#relieve();
    const reports = this.#waiting;
    this.#waiting = [];
    for (const report of reports) this.report(report);
  }

  /** Resolves when the program has read, or has gone. */
  #relief(): Promise<void> {
    return new Promise((resolve) => {
      this.#relieve = resolve;
    });
  }

  #close(): void {
    this.#ended = true;
    this.#commands = [];
    this.#waiting = [];
    this.#relieve();
    this.#daemon.leave(this);
    this.#log.debug({ client: this.label, lostReports: this.#lost }, "client disconnected");
  }
}
