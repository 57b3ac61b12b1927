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

/** For so long requests of one client are answered without a break, then it is others' turn: no crowd of requests is to be waited for, in ms. */
const TURN_MS = 2;

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
  /** Frames that have been read and wait for their turn, or for the client to take its replies. No more is read meanwhile. */
  #unserved: Uint8Array[] = [];
  /** What ends the requests of a client that sends no frames; undefined: nothing yet. */
  #broken: unknown;
  #waitsForTurn = false;
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
    socket.on("close", () => this.#close());
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
    try {
      this.#reader.read(chunk, (frame) => this.#unserved.push(frame));
    } catch (error) {
      // The length of a frame is wrong: where the next one begins can't be known.
      this.#broken = error;
      this.#ended = true;
    }
    this.#serve();
  }

  /** Answers requests, in order, for as long as the client takes its replies and others can wait. */
  #serve(): void {
    if (this.#waitsForTurn) return;
    const frames = this.#unserved;
    const untilMs = performance.now() + TURN_MS;
    let served = 0;
    this.#answering = true;
    while (!this.#pressed && frames === this.#unserved && served < frames.length) {
      this.#answer(frames[served++] as Uint8Array);
      if (performance.now() >= untilMs) break;
    }
    this.#answering = false;
    frames.splice(0, served);
    if (this.#unserved.length === 0) {
      if (this.#ended) this.#end();
      else if (this.#socket.isPaused()) this.#socket.resume();
      return;
    }
    this.#socket.pause();
    if (this.#pressed) return;
    this.#waitsForTurn = true;
    setImmediate(() => {
      this.#waitsForTurn = false;
      this.#serve();
    });
  }

  /** The client has taken something: when that was enough, it is served again. */
  #taken(): void {
    if (!this.#pressed || this.#unsent >= this.#pressedBytes) return;
    this.#pressed = false;
    this.#serve();
    if (!this.#pressed) this.#client.flush();
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
      .then((body) => this.#send({ id, ok: true, ...body }))
      .catch((error) => this.#send(failure(id, error)))
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
    if (this.#broken !== undefined) this.#send(failure(null, this.#broken));
    this.#broken = undefined;
    this.#client.end();
    this.#endIfDone();
  }

  /** The connection is over. What has come before is done all the same, but for what waits until the client has read. */
  #close(): void {
    if (this.#pressed) this.#unserved = [];
    this.#end();
  }

  #endIfDone(): void {
    if (!this.#ended || this.#unserved.length > 0 || this.#pending.size > 0 || this.#socket.destroyed) return;
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
