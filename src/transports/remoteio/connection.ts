import type { Socket } from "node:net";
import type { Log } from "../../supervisor/surroundings.ts";
import { hangUp } from "../refuse.ts";
import { farewell } from "./replies.ts";
import { type RemoteioRequest, RequestReader } from "./request.ts";
import type { Session } from "./session.ts";

/** From so many bytes of unread replies on, a client's requests wait. */
const PRESSED_BYTES = 64 * 1024;

/** So many requests of one client are served, then it is others' turn. */
const SERVED_AT_ONCE = 256;

/**
 * One client on a TCP connection. Replies have no numbers and nothing between them, so each request is served when the one before it has its
 * reply, and nothing more is read meanwhile.
 */
export class RemoteioConnection {
  readonly #session: Session;
  readonly #socket: Socket;
  readonly #log: Log;
  readonly #reader = new RequestReader();
  #unwritten = "";
  #serving = false;
  /** The last that is to be said; null: more requests may come. */
  #farewell: string | null = null;

  constructor(session: Session, socket: Socket, log: Log) {
    this.#session = session;
    this.#socket = socket;
    this.#log = log;
    socket.on("error", (error) => log.debug({ err: error, client: session.label }, "connection failed"));
    socket.on("data", (chunk) => this.#receive(chunk as Uint8Array));
    socket.on("end", () => this.#end());
    socket.on("close", () => session.end());
  }

  #receive(chunk: Uint8Array): void {
    if (this.#farewell !== null) return;
    this.#reader.add(chunk);
    if (!this.#serving) void this.#serve();
  }

  /** No more comes. What has come is served. */
  #end(): void {
    if (this.#farewell !== null) return;
    this.#farewell = "";
    if (!this.#serving) void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    let served = 0;
    for (let request = this.#next(); request !== null; request = this.#next()) {
      const reply = this.#session.answer(request);
      this.#reply(request, reply instanceof Promise ? await this.#paused(reply) : reply);
      if (this.#unwritten.length >= PRESSED_BYTES) await this.#paused(this.#taken());
      if (++served % SERVED_AT_ONCE === 0) await this.#paused(new Promise((resolve) => setImmediate(resolve)));
    }
    this.#serving = false;
    this.#unwritten += this.#farewell ?? "";
    this.#flush();
    if (this.#farewell === null) this.#socket.resume();
    else {
      this.#session.end();
      hangUp(this.#socket);
    }
  }

  /** The next request that has come as a whole. */
  #next(): RemoteioRequest | null {
    if (this.#socket.destroyed) return null;
    try {
      return this.#reader.next();
    } catch (error) {
      this.#farewell = farewell(error);
      return null;
    }
  }

  #reply({ pin, command }: RemoteioRequest, text: string): void {
    if (text.startsWith("?")) this.#log.debug({ client: this.#session.label, pin, command, reply: text }, "request refused");
    this.#unwritten += text;
  }

  /** Nothing is read until something has happened and what was read before has been served. */
  #paused<T>(awaited: Promise<T>): Promise<T> {
    this.#socket.pause();
    this.#flush();
    return awaited;
  }

  /** The client has read what it was sent, or has gone. */
  #taken(): Promise<void> {
    this.#flush();
    if (this.#socket.destroyed || this.#socket.writableLength < PRESSED_BYTES) return Promise.resolve();
    return new Promise((taken) => {
      this.#socket.once("drain", taken);
      this.#socket.once("close", () => taken());
    });
  }

  #flush(): void {
    if (this.#unwritten === "" || this.#socket.destroyed) return;
    this.#socket.write(this.#unwritten);
    this.#unwritten = "";
  }
}
