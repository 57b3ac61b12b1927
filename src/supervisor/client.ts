import { type Actor, createActor } from "xstate";
import { clientMachine } from "../../actors/client.ts";
import { Watchdog } from "../clock/watchdog.ts";
import { type Access, isLess } from "../protocol/access.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Event } from "../protocol/replies.ts";
import type { Request } from "../protocol/requests.ts";
import { addressedClient } from "./addresses/addressed-client.ts";
import type { Pin } from "./pin.ts";
import { Rights } from "./rights.ts";
import { Subscription } from "./subscription.ts";
import type { Surroundings } from "./surroundings.ts";

/** Where a client comes from. */
export interface Peer {
  /** `unix`, `in-process`, … */
  readonly transport: string;
  /** Where on the network it is; null: on this machine, whose memory it shares. */
  readonly address: string | null;
  /** What it is called until it says `hello`. */
  readonly name: string;
  /** Its process and user (SO_PEERCRED), null where the platform does not tell. */
  readonly pid: number | null;
  readonly uid: number | null;
  /** What it may do, by the rules as they are now. @throws HoldfastError `FORBIDDEN`: nothing, and it is not let in */
  readonly access: () => Access;
  /** Who sends nothing for longer is disconnected; absent: it may be silent for as long as it is connected. */
  readonly heartbeatMs?: number;
}

/** The way to a client. */
export interface Outlet {
  /** False while the client takes nothing: its events wait until `Client.flush`. */
  readonly ready: boolean;
  /** Never throws: others are told the same. */
  deliver(event: Event): void;
  /** The supervisor has stopped. */
  stopped?(): void;
  /** The client has been silent for too long, or has lost a right, and is no client any more. */
  dismiss?(reason: HoldfastError): void;
}

/** Who is told of a client's end. */
export interface ClientListener {
  /** It sends nothing any more, and its subscriptions have ended. */
  left(): void;
  /** Nothing of it is left. */
  gone(): void;
}

/** Whoever sends requests, and what it holds. */
export class Client {
  readonly #actor: Actor<typeof clientMachine>;
  readonly #listener: ClientListener;
  /** What calls off the waits for something that has yet to happen. */
  readonly #waits = new Set<() => void>();
  readonly #subscriptions = new Map<number, { readonly subscription: Subscription; readonly end: () => void }>();
  #lastSubscription = 0;
  rights: Rights;
  readonly connectedUs: number;
  name: string;
  /** The pins that it holds. */
  readonly pins = new Set<Pin>();
  /** The pins whose hold it has lost by being silent for longer than so many ms, until it opens them again. */
  readonly lapsed = new Map<string, number>();
  /** Its requests that have no reply yet. */
  pending = 0;
  /** When its program sent its last request. */
  heardUs: number;
  /** When anything came of it. */
  #linkHeardUs: number;
  #watchdog: Watchdog | null = null;

  constructor(
    readonly number: number,
    readonly peer: Peer,
    readonly outlet: Outlet,
    readonly surroundings: Surroundings,
    listener: ClientListener,
  ) {
    this.#listener = listener;
    this.name = peer.name;
    this.rights = new Rights(peer.access());
    this.connectedUs = surroundings.clock.nowUs();
    this.heardUs = this.connectedUs;
    this.#linkHeardUs = this.connectedUs;
    if (peer.heartbeatMs !== undefined) this.#listen(peer.heartbeatMs);
    this.#actor = createActor(clientMachine.provide({ actions: { letGo: () => this.#letGo() } }));
    this.#actor.subscribe({
      next: ({ value }) => {
        if (value === "leaving") surroundings.transitions.look(addressedClient(this), "end");
      },
      complete: () => listener.gone(),
    });
    this.#actor.start();
  }

  get state(): "connected" | "leaving" {
    return this.#actor.getSnapshot().value === "connected" ? "connected" : "leaving";
  }

  /** How an error names it: `"conveyor" (pid 812)`, `"panel" (192.168.1.5)`. */
  get label(): string {
    const { pid, address } = this.peer;
    const where = pid === null ? address : `pid ${pid}`;
    return where === null ? `"${this.name}"` : `"${this.name}" (${where})`;
  }

  /** There is something that it may not do: it is checked before each request. */
  get isConfined(): boolean {
    return !this.rights.isFull || this.peer.address !== null;
  }

  /** It has said how it is called. */
  rename(name: string): void {
    this.name = name;
    this.surroundings.transitions.look(addressedClient(this), "hello");
  }

  /** The rules have changed. A client that has lost a right is disconnected: what it has begun by that right is not to go on. */
  review(): void {
    try {
      const access = this.peer.access();
      if (isLess(access, this.rights.access)) throw new HoldfastError("FORBIDDEN", "the rights of this client have changed: connect again");
      this.rights = new Rights(access);
    } catch (error) {
      const reason = HoldfastError.from(error);
      this.logRefusal(reason);
      this.outlet.dismiss?.(reason);
      this.end();
    }
  }

  /** A request has come. */
  heard(request: Request): void {
    this.#linkHeardUs = this.surroundings.clock.nowUs();
    if (request.op !== "ping" || request.link !== true) this.heardUs = this.#linkHeardUs;
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Whether the client has lost its hold on a pin by its silence. @throws HoldfastError `HOLD_LOST` */
  assertNotLapsed(pin: string): void {
    const heartbeatMs = this.lapsed.get(pin);
    if (heartbeatMs === undefined) return;
    throw new HoldfastError("HOLD_LOST", `this client was silent for more than ${heartbeatMs} ms and holds ${pin} no more; open it again`, {
      field: "pin",
      pin,
      heartbeatMs,
    });
  }

  /** Tells the log that it was refused something. */
  logRefusal(error: HoldfastError): void {
    const { transport, address, pid, uid } = this.peer;
    this.surroundings.refusals.tell({ client: this.number, name: this.name, transport, address, pid, uid }, error, "refused");
  }

  /** The connection is over: what it holds is let go of. */
  end(): void {
    this.#actor.send({ type: "end" });
  }

  /** The outlet is ready again. */
  flush(): void {
    for (const { subscription } of [...this.#subscriptions.values()]) {
      subscription.flush();
      this.#forgetIfOver(subscription);
    }
  }

  /**
   * A new stream of events.
   * @param end what to do when it ends, however that happens
   * @param eventsAtOnce so many of its events may wait even where the limit is lower
   * @throws HoldfastError `LIMIT_SUBSCRIPTIONS`
   */
  subscribe(end: (subscription: Subscription) => void, eventsAtOnce = 1): Subscription {
    const { limits, tally } = this.surroundings;
    if (this.#subscriptions.size >= limits.subscriptions) {
      throw new HoldfastError("LIMIT_SUBSCRIPTIONS", `a client may have ${limits.subscriptions} subscriptions`, {
        limit: limits.subscriptions,
      });
    }
    const { backlogBytes } = limits;
    const backlogEvents = Math.max(limits.backlogEvents, eventsAtOnce);
    const subscription = new Subscription(++this.#lastSubscription, this, { backlogEvents, backlogBytes }, tally);
    this.#subscriptions.set(subscription.number, { subscription, end: () => end(subscription) });
    return subscription;
  }

  /** Ends a stream. @throws HoldfastError `SUB_UNKNOWN` */
  unsubscribe(number: number): void {
    const found = this.#subscriptions.get(number);
    if (found === undefined) throw new HoldfastError("SUB_UNKNOWN", `there is no subscription ${number}`, { field: "sub" });
    this.#subscriptions.delete(number);
    // Whoever ends it looks whether the client was told of all that it holds.
    found.end();
    found.subscription.discard();
  }

  /** Ends a stream from the other side: this is its last event, and it comes after all that still waits. */
  finish(subscription: Subscription, last: Event): void {
    subscription.push(last);
    subscription.over = true;
    this.#forgetIfOver(subscription);
  }

  /**
   * Waits for something, for as long as the client is there.
   * @param begin begins to wait, and returns what calls it off
   * @throws HoldfastError `DISCONNECTED` when the client has gone before; what `begin` rejects with
   */
  wait<T>(begin: (resolve: (value: T | Promise<T>) => void, reject: (error: unknown) => void) => () => void): Promise<T> {
    let callOff = () => {};
    const outcome = new Promise<T>((resolve, reject) => {
      const cancel = begin(resolve, reject);
      callOff = () => {
        cancel();
        reject(new HoldfastError("DISCONNECTED", "the client has gone"));
      };
      this.#waits.add(callOff);
    });
    return outcome.finally(() => this.#waits.delete(callOff));
  }

  #forgetIfOver({ number, over, waiting }: Subscription): void {
    if (over && waiting === 0) this.#subscriptions.delete(number);
  }

  #listen(heartbeatMs: number): void {
    const periodUs = heartbeatMs * 1000;
    const dueUs = () => this.#linkHeardUs + periodUs;
    this.#watchdog = new Watchdog(this.surroundings.clock, periodUs, dueUs, () => {
      const { transport, address } = this.peer;
      this.surroundings.log.info(
        { client: this.number, name: this.name, transport, address, heartbeatMs },
        "client was silent; disconnected",
      );
      const message = `this client was silent for more than ${heartbeatMs} ms, the heartbeat of its connection`;
      this.outlet.dismiss?.(new HoldfastError("PEER_SILENT", message, { heartbeatMs }));
      this.end();
    });
  }

  #letGo(): void {
    this.#watchdog?.stop();
    for (const callOff of [...this.#waits]) callOff();
    // The end of one may end another: that of a pool which was only waited for.
    for (const number of this.#subscriptions.keys()) this.unsubscribe(number);
    this.#listener.left();
    const closing = [...this.pins].filter((pin) => pin.leave(this));
    let left = closing.length;
    const settle = () => this.#actor.send({ type: "settled" });
    for (const pin of closing) {
      pin.whenClosed(() => {
        left -= 1;
        if (left === 0) settle();
      });
    }
    if (left === 0) settle();
  }
}
