import assert from "node:assert/strict";
import type { ScriptedClient } from "../../src/index-testing.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import type { PayloadBook } from "./payload-book.ts";
import type { PoolModel } from "./pool-model.ts";

/** What a producer has said of a frame. */
interface Said {
  readonly bytes: number;
  readonly meta: unknown;
  readonly timestampNs: bigint;
}

/** What the clients are told of frames, each event held against the model, against what the producer said, and against those before. */
export class FrameListeners {
  readonly #model: PoolModel;
  readonly #book: PayloadBook;
  readonly #heard = new Map<ScriptedClient, number>();
  readonly #leases = new Set<number>();
  /** Subscriptions that have ended, of which the client is to be told. */
  readonly #ends = new Map<ScriptedClient, Set<number>>();
  readonly #said = new Map<string, Said>();
  /** The last one of each subscription. */
  readonly #lastSeq = new Map<string, number>();

  constructor(model: PoolModel, book: PayloadBook) {
    this.#model = model;
    this.#book = book;
  }

  published(epoch: number, seq: number, said: Said): void {
    this.#said.set(`${epoch}/${seq}`, said);
  }

  /** Whether the client that holds a lease knows of it. */
  wasTold(lease: number): boolean {
    return this.#leases.has(lease);
  }

  /** A subscription has ended by itself: its client must be told. */
  ends(client: ScriptedClient, sub: number): void {
    this.#ends.set(client, (this.#ends.get(client) ?? new Set()).add(sub));
  }

  isEnding(client: ScriptedClient, sub: number): boolean {
    return this.#ends.get(client)?.has(sub) ?? false;
  }

  /** The client does not want to be told any more. */
  ended(client: ScriptedClient, sub: number): void {
    this.#ends.get(client)?.delete(sub);
  }

  gone(client: ScriptedClient): void {
    this.#ends.delete(client);
  }

  /** Hears what a client has been told since the last time. */
  hear(client: ScriptedClient): void {
    for (const event of client.events.slice(this.#heard.get(client) ?? 0)) {
      if (event.ev === "frame") this.#frame(client, event);
      else if (event.ev === "revoked") this.#revoked(event);
      else {
        assert.equal(event.ev, "end");
        assert(this.#ends.get(client)?.delete(event.sub), "a subscription ends that has not");
      }
    }
    this.#heard.set(client, client.events.length);
    if (client.ready) assert.equal(this.#ends.get(client)?.size ?? 0, 0, "the end of a subscription is told");
  }

  #frame(client: ScriptedClient, event: EventOf<"frame">): void {
    const { sub, lease, seq, epoch, slot, generation, lost, bytes, meta, timestampNs } = event;
    this.#leases.add(lease);
    const key = `${client.number}/${sub}`;
    assert(seq > (this.#lastSeq.get(key) ?? 0), "the numbers of a consumer's frames increase");
    this.#lastSeq.set(key, seq);
    const said = this.#said.get(`${epoch}/${seq}`) ?? assert.fail("a frame that nobody published");
    assert.deepEqual({ bytes, meta, timestampNs }, said, "what the producer said of a frame");
    const read = this.#model.leases.get(lease);
    // Who is slow may have let go of it before it took the event, and reads nothing then.
    if (read?.kind !== "read") return;
    this.#book.told(client.number, event);
    const wanted = {
      sub: read.consumer.sub,
      client: read.client,
      seq: read.frame.seq,
      epoch: read.file.epoch,
      slot: read.slot,
      generation: read.frame.generation,
      lost: read.lost,
    };
    assert.deepEqual({ sub, client: client.number, seq, epoch, slot, generation, lost }, wanted, "a frame event");
  }

  #revoked({ lease, sub }: EventOf<"revoked">): void {
    const read = this.#model.leases.get(lease);
    assert(read === undefined || (read.kind === "read" && read.revoked && read.consumer.sub === sub), "a lease was revoked that was not");
    this.#book.doneReading(lease);
  }
}
