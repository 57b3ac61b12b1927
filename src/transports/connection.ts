import type { Socket } from "node:net";
import { decode, encode } from "../protocol/codec.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { FrameReader } from "../protocol/framing.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Event } from "../protocol/replies.ts";
import { parseRequest } from "../protocol/requests.ts";
import type { Client, Outlet, Peer } from "../supervisor/client.ts";
import type { Reply, Supervisor } from "../supervisor/supervisor.ts";
import type { Log } from "../supervisor/surroundings.ts";
import { failure, hangUp, idOf } from "./refuse.ts";

/** From this share of the unsent limit on, a client that does not read is not served either: its requests and events wait. */
const PRESSED_SHARE = 1 / 4;

/** With so many bytes a write does not wait for the end of the turn: the client is to read the first replies while the next ones are made. */
const EAGER_BYTES = 2048;

/**
 * One client on a byte stream: bytes become requests, replies and events become bytes. What is sent within one turn of the
 * event loop leaves in one write, or in few.
 */
export class Connection implements Outlet {
  readonly #supervisor: Supervisor;
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #log: Log;
  readonly #client: Client;
  readonly #reader: FrameReader;
  readonly #pending = new Set<number>();
  /** Frames that have been read and wait for the client to take its replies. No more is read meanwhile. */
  #unserved: Uint8Array[] = [];
  #unwritten: Uint8Array[] = [];
  #unwrittenBytes = 0;
  /** Requests that have come are being answered: what is sent meanwhile leaves together. */
  #answering = false;
  /** The client has been sent much that it has not taken. */
  #pressed = false;
  #ended = false;

  /** @throws HoldfastError `LIMIT_CLIENTS`, `SHUTTING_DOWN` */
  constructor(supervisor: Supervisor, socket: Socket, peer: Peer, limits: Limits, log: Log) {
    this.#supervisor = supervisor;
    this.#socket = socket;
    this.#limits = limits;
    this.#log = log;
    this.#reader = new FrameReader(limits);
    socket.on("error", (error) => log.debug({ err: error }, "connection failed"));
    this.#client = supervisor.attach(peer, this);
    log.debug({ client: this.#client.number, pid: peer.pid, uid: peer.uid }, "client connected");
    socket.on("data", (chunk) => this.receive(chunk as Uint8Array));
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#client.end());
  }

  get ready(): boolean {
    return !this.#pressed;
  }

  deliver(event: Event): void {
    try {
      this.#send(event);
    } catch (error) {
      // It is told to others too, who must not go without it.
      this.#log.error({ err: error, client: this.#client.number }, "an event can't be sent; disconnected");
      this.#socket.destroy();
      return;
    }
    // Who waits for a frame need not wait for what the supervisor still does for the one who made it.
    if (event.ev === "frame" && !this.#answering) this.#flush();
  }

  dismiss(reason: HoldfastError): void {
    this.#ended = true;
    this.#unserved = [];
    this.#send(failure(null, reason));
    this.#flush();
    hangUp(this.#socket);
  }

  get #unsent(): number {
    return this.#unwrittenBytes + this.#socket.writableLength;
  }

  get #pressedBytes(): number {
    return this.#limits.unsentBytes * PRESSED_SHARE;
  }

  /** Bytes have come. */
  receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#answering = true;
    try {
      this.#reader.read(chunk, (frame) => {
        if (this.#pressed) this.#unserved.push(frame);
        else this.#answer(frame);
      });
    } catch (error) {
      // The length of a frame is wrong: where the next one begins can't be known.
      this.#send(failure(null, error));
      this.#end();
    } finally {
      this.#answering = false;
    }
    if (this.#unserved.length > 0) this.#socket.pause();
  }

  /** The client has taken something: when that was enough, it is served again, in order. */
  #taken(): void {
    if (!this.#pressed || this.#unsent >= this.#pressedBytes) return;
    this.#pressed = false;
    const frames = this.#unserved;
    const served = frames.findIndex((frame) => {
      this.#answer(frame);
      return this.#pressed;
    });
    this.#unserved = served === -1 ? [] : frames.slice(served + 1);
    if (this.#pressed) return;
    this.#client.flush();
    this.#socket.resume();
    if (this.#ended) this.#end();
  }

  #answer(frame: Uint8Array): void {
    let id: number | null = null;
    try {
      const message = decode(frame, this.#limits);
      id = idOf(message);
      if (id !== null && this.#pending.has(id)) {
        throw new HoldfastError("ID_IN_USE", `request ${id} has no reply yet`, { field: "id" });
      }
      const reply = this.#supervisor.request(this.#client, parseRequest(message));
      if (reply instanceof Promise) this.#answerLater(id as number, reply);
      else this.#send({ id, ok: true, ...reply });
    } catch (error) {
      this.#send(failure(id, error));
    }
  }

  #answerLater(id: number, reply: Promise<Reply>): void {
    this.#pending.add(id);
    reply
      .then(
        (body) => this.#send({ id, ok: true, ...body }),
        (error) => this.#send(failure(id, error)),
      )
      .finally(() => {
        this.#pending.delete(id);
        this.#endIfDone();
      });
  }

  #send(message: object): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (this.#unwritten.length === 0) queueMicrotask(() => this.#flush());
    const frame = encode(message);
    this.#unwritten.push(frame);
    this.#unwrittenBytes += frame.length;
    if (this.#unwrittenBytes >= EAGER_BYTES) this.#flush();
    const unsent = this.#unsent;
    if (unsent >= this.#pressedBytes) this.#pressed = true;
    // One long reply says nothing of how its reader reads.
    if (unsent - frame.length > this.#limits.unsentBytes) this.#giveUp();
  }

  #flush(): void {
    const frames = this.#unwritten;
    if (frames.length === 0 || this.#socket.destroyed) return;
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    this.#socket.write(frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames), () => this.#taken());
  }

  /** No more requests come. What the client awaits is still answered, if it still reads. */
  #end(): void {
    this.#ended = true;
    if (this.#unserved.length > 0) return;
    this.#client.end();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#ended || this.#unserved.length > 0 || this.#pending.size > 0) return;
    this.#flush();
    hangUp(this.#socket);
  }

  #giveUp(): void {
    const { number, name } = this.#client;
    this.#log.warn({ client: number, name, code: "LIMIT_UNSENT", unsentBytes: this.#unsent }, "client does not read; disconnected");
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    this.#socket.destroy();
  }
}
