import type { Clock } from "../clock/clock.ts";
import { Watchdog } from "../clock/watchdog.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { OnDisconnect, RequestOf } from "../protocol/requests.ts";
import type { Client } from "./client.ts";

/** One client's hold on a pin. */
export interface Hold {
  readonly client: Client;
  readonly share: boolean;
  readonly sinceUs: number;
  onDisconnect: OnDisconnect;
  /** For how long the client may be silent; null: for as long as it is connected. */
  readonly heartbeatMs: number | null;
  /** Ends the wait for its next sign of life. */
  readonly stop: () => void;
}

/** Who holds one pin. */
export class Holds {
  readonly #holds = new Map<Client, Hold>();

  /** @param pin the canonical name */
  constructor(
    readonly pin: string,
    readonly clock: Clock,
  ) {}

  get size(): number {
    return this.#holds.size;
  }

  get all(): readonly Hold[] {
    return [...this.#holds.values()];
  }

  /** The hold of a client; undefined: it has none. */
  of(client: Client): Hold | undefined {
    return this.#holds.get(client);
  }

  /** @param silent is told when the client has been silent for longer than its heartbeat allows */
  add(
    client: Client,
    { share = false, onDisconnect = "close", heartbeatMs }: RequestOf<"open">,
    silent: (heartbeatMs: number) => void,
  ): void {
    const sinceUs = this.clock.nowUs();
    const hold = { client, share, sinceUs, onDisconnect };
    if (heartbeatMs === undefined) {
      this.#holds.set(client, { ...hold, heartbeatMs: null, stop: () => {} });
      return;
    }
    const dueUs = () => Math.max(client.heardUs, sinceUs) + heartbeatMs * 1000;
    const heartbeat = new Watchdog(this.clock, heartbeatMs * 1000, dueUs, () => silent(heartbeatMs));
    this.#holds.set(client, { ...hold, heartbeatMs, stop: () => heartbeat.stop() });
  }

  /** A client holds the pin no more. */
  drop(client: Client): void {
    this.#holds.get(client)?.stop();
    this.#holds.delete(client);
  }

  /**
   * Whether one more client may hold the pin.
   * @param always an input is always shared, an output if all its holders say so
   * @throws HoldfastError `PIN_ALREADY_OPEN`, `PIN_BUSY`
   */
  assertRoomFor(client: Client, { share = false }: RequestOf<"open">, always: boolean): void {
    if (this.#holds.has(client)) {
      throw new HoldfastError("PIN_ALREADY_OPEN", `this client has ${this.pin} open already`, { field: "pin", pin: this.pin });
    }
    const shares = always || (share && this.all.every((hold) => hold.share));
    if (!shares && this.#holds.size > 0) throw this.busy();
  }

  /** Why a client that does not hold the pin may do nothing with it: `PIN_BUSY`, `PIN_NOT_OPEN`. */
  refusal(): HoldfastError {
    if (this.#holds.size > 0) return this.busy();
    return new HoldfastError("PIN_NOT_OPEN", `${this.pin} is open and held by nobody; open it to adopt it`, {
      field: "pin",
      pin: this.pin,
    });
  }

  /** The refusal that says who holds the pin. @param but it is for this holder, and names another one */
  busy(but?: Client): HoldfastError {
    const hold = this.all.find(({ client }) => client !== but) as Hold;
    const heldMs = (this.clock.nowUs() - hold.sinceUs) / 1000;
    const held = heldMs < 1000 ? "just now" : `for ${Math.floor(heldMs / 1000)} s`;
    const { client } = hold;
    return new HoldfastError("PIN_BUSY", `${this.pin} is held by ${client.label} ${held}`, {
      field: "pin",
      pin: this.pin,
      holder: client.name,
      client: client.number,
      pid: client.peer.pid,
      heldMs,
    });
  }
}
