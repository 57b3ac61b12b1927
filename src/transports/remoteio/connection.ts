import type { Socket } from "node:net";
import type { Log } from "../../supervisor/surroundings.ts";
import { hangUp } from "../refuse.ts";
import { farewell } from "./replies.ts";
import { type RemoteioRequest, RequestReader } from "./request.ts";
import type { Session } from "./session.ts";

/** So many bytes of replies are written at once, and of requests are kept while one before them waits. */
const KEPT_BYTES = 64 * 1024;

/** So many requests of one client are served, then it is others' turn: hundreds that ask without a pause are not to be waited for. */
const SERVED_AT_ONCE = 16;

/** One client on a TCP connection. Replies have no numbers and nothing between them, so each request is served when the one before it has its reply. */
export class RemoteioConnection {
  readonly #session: Session;
  readonly #socket: Socket;
  readonly #log: Log;
  readonly #reader = new RequestReader();
  #unwritten = "";
  #serving = false;
  /** The last that is to be said; null: more requests may come. */
  #farewell: string | null = null;
  /** The client has read what it was sent, or has gone. */
  #taken = () => {};

  constructor(session: Session, socket: Socket, log: Log) {
    this.#session = session;
    this.#socket = socket;
    this.#log = log;
    socket.on("error", (error) => log.debug({ err: error, client: session.label }, "connection failed"));
    socket.on("data", (chunk) => this.#receive(chunk as Uint8Array));
    socket.on("end", () => this.#end());
    socket.on("drain", () => this.#taken());
    socket.on("close", () => {
      session.end();
      this.#taken();
    });
  }

  /** While a request waits, more are read, for else the end of the connection would not be seen; but no more than that takes. */
  #receive(chunk: Uint8Array): void {
    if (this.#farewell !== null) return;
    this.#reader.add(chunk);
    if (!this.#serving) void this.#serve();
    if (this.#serving && this.#reader.unreadBytes >= KEPT_BYTES) this.#socket.pause();
  }

  /** No more comes. What has come is served, but does not wait for room: a pin that is full must not keep the others of who has gone. */
  #end(): void {
    this.#session.waitNoMore();
    if (this.#farewell !== null) return;
    this.#farewell = "";
    if (!this.#serving) void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    let served = 0;
    for (let request = this.#next(); request !== null; request = this.#next()) {
      const reply = this.#session.answer(request);
      if (reply instanceof Promise) this.#flush();
      this.#reply(request, reply instanceof Promise ? await reply : reply);
      if (this.#unwritten.length >= KEPT_BYTES) this.#flush();
      if (this.#socket.writableNeedDrain) await this.#untilTaken();
      if (++served % SERVED_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
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

  #untilTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#taken = resolve;
      if (this.#socket.destroyed) resolve();
    });
  }

  #flush(): void {
    if (this.#unwritten === "" || this.#socket.destroyed) return;
    this.#socket.write(this.#unwritten);
    this.#unwritten = "";
  }
}
