import { basename } from "node:path";
import { type ErrorValue, HoldfastError } from "../protocol/errors.ts";
import { MAX_NAME_LENGTH } from "../protocol/limits.ts";
import type { Event, ReplyOf } from "../protocol/replies.ts";
import type { Fields, Op } from "../protocol/requests.ts";
import { PROTOCOL_VERSION } from "../protocol/version.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Dial, Link } from "./link.ts";

/** Who connects, and whether it does so again. */
export interface SessionOptions {
  /** What others see as the holder of its pins. */
  readonly name?: string;
  /**
   * Dial again when the connection is lost, with growing pauses, and open again what was open. Requests under way fail with
   * `DISCONNECTED` all the same: whether they were done can't be known.
   */
  readonly reconnect?: boolean;
}

/** What a session tells its client. */
export interface SessionListener {
  /** An event has come. */
  event(event: Event): void;
  /** The connection has gone. The requests that are under way fail next. */
  lost(): void;
  /** It is tried to connect again, or that is done, with all that was open. */
  changed(state: "lost" | "back"): void;
  /** Opens again what was open, on a new connection. @throws HoldfastError `DISCONNECTED` when that has gone too */
  restore(): Promise<void>;
  /** There is no connection, and there will be none; null: as it should be. */
  over(failure: HoldfastError | null): void;
}

/** The pause before the first attempt to reconnect, and the longest one, in ms. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

interface PendingReply {
  /** Called in the turn in which the reply comes: what follows it on the wire may build on it. */
  readonly arrived: ((reply: never) => void) | undefined;
  readonly resolve: (reply: never) => void;
  readonly reject: (error: HoldfastError) => void;
}

/** A client's connection to its supervisor, and those that follow when it is lost: requests go, replies and events come. */
export class Session {
  readonly #dial: Dial;
  readonly #options: SessionOptions;
  readonly #token: string | undefined;
  readonly #listener: SessionListener;
  readonly #pending = new Map<number, PendingReply>();
  #link: Link | null = null;
  /** Of the connection; null: it needs none. */
  #heartbeat: Heartbeat | null = null;
  /** Why the supervisor is about to close the connection, when it has said so. */
  #refusal: HoldfastError | null = null;
  /** The connection was whole once. */
  #established = false;
  /** How many connections have been lost. */
  #lostLinks = 0;
  #lastId = 0;
  #closing = false;
  #wakeUp: (() => void) | null = null;

  /** @param token that shows which rights the client has, where it is asked for */
  constructor(dial: Dial, options: SessionOptions, token: string | undefined, listener: SessionListener) {
    this.#dial = dial;
    this.#options = options;
    this.#token = token;
    this.#listener = listener;
  }

  /** Which connection this is, or the next one will be. */
  get connection(): number {
    return this.#lostLinks;
  }

  /** Connects, once. @throws HoldfastError what dialling does, and the reply to `hello` */
  async open(): Promise<void> {
    await this.#connect();
    this.#established = true;
  }

  /** Sends a request. @param arrived see `SendRequest` @throws HoldfastError what the supervisor answers; `DISCONNECTED` */
  request<O extends Op>(op: O, fields: Fields<O>, arrived?: (reply: ReplyOf<O>) => void): Promise<ReplyOf<O>> {
    return new Promise((resolve, reject) => {
      if (this.#link === null) throw new HoldfastError("DISCONNECTED", "there is no connection to the supervisor");
      const id = ++this.#lastId;
      this.#link.send({ ...fields, id, op });
      this.#pending.set(id, { arrived, resolve, reject });
    });
  }

  /** Ends the connection, or the attempts to have one; what was sent before still arrives. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wakeUp?.();
    if (this.#link === null) this.#listener.over(null);
    else await this.#link.close();
  }

  async #connect(): Promise<void> {
    this.#link = await this.#dial({ message: (message) => this.#receive(message), closed: (error) => this.#lost(error) });
    try {
      if (this.#closing) throw new HoldfastError("DISCONNECTED", "this client has closed");
      const { name = `${basename(process.argv[1] ?? process.title)}` } = this.#options;
      const hello = { protocol: PROTOCOL_VERSION, name: name.slice(0, MAX_NAME_LENGTH) };
      const { messageBytes, heartbeatMs } = await this.request(
        "hello",
        this.#token === undefined ? hello : { ...hello, token: this.#token },
      );
      if (messageBytes !== undefined) this.#link?.limit?.(messageBytes);
      if (heartbeatMs !== undefined) this.#keepAlive(heartbeatMs);
    } catch (error) {
      await this.#link?.close();
      throw error;
    }
  }

  /** As long as this process runs, whatever the program does: it is no sign of life for pins that were opened with a heartbeat of their own. */
  #keepAlive(heartbeatMs: number): void {
    const why = `the supervisor has been silent for more than ${heartbeatMs} ms`;
    this.#heartbeat = new Heartbeat(heartbeatMs, {
      beat: () => void this.request("ping", { link: true }).catch(() => {}),
      silent: () => this.#link?.abandon(new HoldfastError("DISCONNECTED", why)),
    });
  }

  #receive(message: Readonly<Record<string, unknown>>): void {
    this.#heartbeat?.heard();
    if (typeof message["sub"] === "number" && "ev" in message) return this.#listener.event(message as Event);
    const { id, ok, error } = message as { readonly id: number | null; readonly ok: boolean; readonly error: ErrorValue };
    if (id === null) {
      this.#refusal = HoldfastError.fromValue(error);
      return;
    }
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (!ok) return pending.reject(HoldfastError.fromValue(error));
    const { id: _id, ok: _ok, ...reply } = message;
    pending.arrived?.(reply as never);
    pending.resolve(reply as never);
  }

  #lost(closed: HoldfastError): void {
    const error = this.#refusal ?? closed;
    this.#refusal = null;
    this.#link = null;
    this.#heartbeat?.stop();
    this.#heartbeat = null;
    this.#lostLinks++;
    this.#listener.lost();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    if (this.#options.reconnect === true && !this.#closing) {
      if (this.#established) void this.#reconnect();
      return;
    }
    this.#listener.over(this.#closing ? null : error);
  }

  async #reconnect(): Promise<void> {
    this.#established = false;
    this.#listener.changed("lost");
    for (let pauseMs = FIRST_PAUSE_MS; !this.#closing; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // Half of the pause is chance, so that many clients do not come back at the same instant.
      await this.#pause(pauseMs * (0.5 + Math.random() / 2));
      try {
        if (this.#closing) return;
        await this.#connect();
        await this.#listener.restore();
        this.#established = true;
        this.#listener.changed("back");
        return;
      } catch {
        await this.#link?.close();
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
