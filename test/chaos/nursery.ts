/**
 * `bun nursery.ts SOCKET BREEDS`: keeps peers of `peer.c` alive, each forked from this process, and puts another in the place of each one
 * that ends. Tells over IPC what has become of them when it is asked, and ends them all when it is told to.
 */
import { cc, type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { join } from "node:path";
import { encode } from "../../src/protocol/codec.ts";

/** Peers that do the same. */
export interface Breed {
  readonly name: string;
  readonly count: number;
  readonly pool: string;
  /** `frames.subscribe` but for the pool; absent: they write. */
  readonly subscribe?: object;
  /** The longest pause between two pieces of a frame that is written, or the longest that one is held, in µs. */
  readonly pauseUs: number;
}

/** What has become of the peers so far. */
export interface NurseryReport {
  readonly born: number;
  readonly published: number;
  readonly read: number;
  readonly revoked: number;
  /** Slots written to behind the end of the connection. */
  readonly ghosts: number;
  /** Of those killed, what they were doing. */
  readonly killedWhile: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

const RECORD_BYTES = 96;
const MOST_PEERS = 256;
const REFILL_MS = 4;
/** Producers of `producer.ts` have smaller numbers. */
const FIRST_LIFE = 1_000_000;
const WAIT_MS = 1000;
const SIGKILL = 9;

const words = { stage: 0, frames: 1, torn: 2, wrong: 3, backwards: 4, revoked: 5, ghosts: 6, surprise: 8 } as const;
const stages = ["starting", "idle", "writing", "publishing", "haunting", "reading", "releasing"];

const { symbols } = cc({
  source: join(import.meta.dir, "peer.c"),
  symbols: {
    records: { args: ["i32"], returns: "ptr" },
    born: { args: ["i32", "u32", "u32", "ptr", "ptr", "ptr", "i32", "ptr", "i32"], returns: "i32" },
    reap: { args: ["ptr"], returns: "i32" },
  },
});

interface Peer {
  readonly breed: Breed;
  readonly index: number;
}

/** The peers, and what they leave in their records. */
class Nursery {
  readonly #socket: Uint8Array;
  readonly #breeds: readonly Breed[];
  readonly #records = symbols.records(MOST_PEERS) as Pointer;
  readonly #words = new Uint32Array(toArrayBuffer(this.#records, 0, MOST_PEERS * RECORD_BYTES));
  readonly #unused = Array.from({ length: MOST_PEERS }, (_, index) => index);
  readonly #peers = new Map<number, Peer>();
  readonly #status = new Int32Array(1);
  readonly #faults: string[] = [];
  readonly #killedWhile: Record<string, number> = {};
  readonly #totals = { born: 0, published: 0, read: 0, revoked: 0, ghosts: 0 };

  constructor(socket: string, breeds: readonly Breed[]) {
    this.#socket = Buffer.from(`${socket}\0`);
    this.#breeds = breeds;
  }

  /** Puts one into each gap of each breed, a single one at a time: a supervisor that has been killed is not rushed at. */
  refill(): void {
    for (const breed of this.#breeds) {
      const alive = [...this.#peers.values()].filter((peer) => peer.breed === breed).length;
      if (alive < breed.count) this.#bear(breed);
    }
  }

  reap(): void {
    for (;;) {
      const pid = symbols.reap(ptr(this.#status));
      const peer = this.#peers.get(pid);
      if (peer === undefined) return;
      this.#peers.delete(pid);
      this.#bury(peer, this.#status[0] as number);
    }
  }

  async end(): Promise<void> {
    for (const pid of this.#peers.keys()) process.kill(pid, "SIGKILL");
    while (this.#peers.size > 0) {
      this.reap();
      await Bun.sleep(1);
    }
  }

  /** Of the dead: what the living have done is told when they are. */
  get report(): NurseryReport {
    return { ...this.#totals, killedWhile: this.#killedWhile, faults: this.#faults };
  }

  #bear(breed: Breed): void {
    const index = this.#unused.shift() as number;
    const record = (index * RECORD_BYTES) / Uint32Array.BYTES_PER_ELEMENT;
    this.#words.fill(0, record, record + RECORD_BYTES / Uint32Array.BYTES_PER_ELEMENT);
    const { pool, subscribe, pauseUs } = breed;
    const opening = Buffer.concat([
      encode({ id: 1, op: "hello", protocol: 1, name: `native ${breed.name}` }),
      encode({ id: 2, op: "pool.open", pool }),
    ]);
    const asking =
      subscribe === undefined
        ? encode({ id: 3, op: "slot.acquire", pool, waitMs: WAIT_MS })
        : encode({ id: 3, op: "frames.subscribe", pool, ...subscribe });
    const life = FIRST_LIFE + this.#totals.born++;
    const pid = symbols.born(
      subscribe === undefined ? 1 : 0,
      life,
      pauseUs,
      ((this.#records as number) + index * RECORD_BYTES) as Pointer,
      ptr(this.#socket),
      ptr(opening),
      opening.length,
      ptr(asking),
      asking.length,
    );
    if (pid <= 0) throw new Error("the kernel forks no more processes");
    this.#peers.set(pid, { breed, index });
  }

  #bury({ breed, index }: Peer, status: number): void {
    this.#unused.push(index);
    const record = (index * RECORD_BYTES) / Uint32Array.BYTES_PER_ELEMENT;
    const word = (name: keyof typeof words) => this.#words[record + words[name]] as number;
    const totals = this.#totals;
    totals[breed.subscribe === undefined ? "published" : "read"] += word("frames");
    totals.revoked += word("revoked");
    totals.ghosts += word("ghosts");
    const stage = stages[word("stage")] as string;
    if ((status & 0x7f) === SIGKILL) this.#killedWhile[stage] = (this.#killedWhile[stage] ?? 0) + 1;
    else if (status !== 0) this.#faults.push(`native ${breed.name} ended with status ${status} while ${stage}`);
    for (const fault of ["torn", "wrong", "backwards"] as const) {
      if (word(fault) > 0) this.#faults.push(`native ${breed.name} read ${word(fault)} frames that were ${fault}, and had been valid`);
    }
    const surprise = Buffer.from(this.#words.buffer, (record + words.surprise) * Uint32Array.BYTES_PER_ELEMENT, 64);
    if (surprise[0] !== 0) this.#faults.push(`native ${breed.name} was refused: ${surprise.toString("latin1").split("\0", 1)[0]}`);
  }
}

if (import.meta.main) {
  const [socket, breeds] = process.argv.slice(2) as [string, string];
  const nursery = new Nursery(socket, JSON.parse(breeds));
  const timer = setInterval(() => {
    nursery.reap();
    nursery.refill();
  }, REFILL_MS);
  process.on("message", async (told: "report" | "end") => {
    if (told === "end") {
      clearInterval(timer);
      await nursery.end();
    }
    process.send?.(nursery.report);
    if (told === "end") process.disconnect?.();
  });
  process.on("disconnect", () => process.exit());
}
