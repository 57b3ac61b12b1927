import assert from "node:assert/strict";
import fc from "fast-check";
import { commandRequests, play, type ScriptedClient, scripts, step, World } from "../../src/index-testing.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import type { EdgeFilter, Level } from "../../src/protocol/requests.ts";
import { property } from "./property.ts";

const line = { chip: "sim:0", offset: 17 };
const BACKLOG = 4;

type ToldEdge = Pick<EventOf<"edge">, "level" | "seq" | "lost">;
/** An edge, or the instant at which it had been silent for so long, in µs. */
type Told = ToldEdge | { readonly silentUs: number };

/** One watch as it should be: what it was told, what waits for it, and what it missed. */
class ModelWatch {
  ready = true;
  readonly told: Told[] = [];
  #waiting: Told[] = [];
  #seq = 0;
  /** Edges missed since the last one that it was told of: in the kernel, and by being slow. */
  #lostBelow = 0;
  #lostHere = 0;
  /** When it will have been silent for so long; Infinity: that need not be told, or has been. */
  #silentUs: number;

  /** @param silenceMs Infinity: it is told of edges only */
  constructor(
    readonly filter: EdgeFilter,
    readonly silenceMs: number,
    nowUs: number,
  ) {
    this.#silentUs = nowUs + silenceMs * 1000;
  }

  edge(level: Level, lost: number, nowUs: number): void {
    this.#lostBelow += lost;
    if (this.filter !== "both" && this.filter !== (level === 1 ? "rising" : "falling")) return;
    this.#seq += 1 + this.#lostBelow;
    this.#tell({ level, seq: this.#seq, lost: this.#lostBelow });
    this.#lostBelow = 0;
    this.#silentUs = nowUs + this.silenceMs * 1000;
  }

  /** It is so late. */
  pass(nowUs: number): void {
    if (nowUs < this.#silentUs) return;
    this.#tell({ silentUs: this.#silentUs });
    this.#silentUs = Number.POSITIVE_INFINITY;
  }

  #tell(told: Told): void {
    this.#waiting.push(told);
    if (this.ready) this.catchUp();
    else if (this.#waiting.length > BACKLOG) {
      const dropped = this.#waiting.shift();
      // Only edges are counted.
      if (dropped !== undefined && "lost" in dropped) this.#lostHere += 1 + dropped.lost;
    }
  }

  catchUp(): void {
    this.ready = true;
    for (const told of this.#waiting.splice(0)) {
      if (!("lost" in told)) this.told.push(told);
      else {
        this.told.push({ ...told, lost: told.lost + this.#lostHere });
        this.#lostHere = 0;
      }
    }
  }
}

/** How a client watches. */
interface Wanted {
  readonly edge: EdgeFilter;
  readonly silenceMs: number | undefined;
}

/** An input, and clients of which each watches it once. */
class Gallery {
  readonly world = new World({ limits: { backlogEvents: BACKLOG } });
  readonly watchers: { readonly client: ScriptedClient; readonly model: ModelWatch }[];
  #level: Level = 0;
  #toLose = 0;
  #lost = 0;

  constructor(wanted: readonly Wanted[]) {
    this.watchers = wanted.map(({ edge, silenceMs }, index) => {
      const client = this.world.join(`watcher ${index}`);
      assert.equal(client.ask({ op: "open", pin: "GPIO17", direction: "in" }).outcome, "ok");
      assert.equal(client.ask({ op: "watch", pin: "BOARD11", edge, silenceMs }).body.level, 0);
      return { client, model: new ModelWatch(edge, silenceMs ?? Number.POSITIVE_INFINITY, this.world.clock.nowUs()) };
    });
  }

  async pass(ms: number): Promise<void> {
    await this.world.pass(ms);
    for (const { model } of this.watchers) model.pass(this.world.clock.nowUs());
  }

  async flip(): Promise<void> {
    await this.pass(1);
    this.#level = this.#level === 1 ? 0 : 1;
    this.world.sim.drive(line, this.#level);
    if (this.#toLose > 0) {
      this.#toLose--;
      this.#lost++;
      return;
    }
    for (const { model } of this.watchers) model.edge(this.#level, this.#lost, this.world.clock.nowUs());
    this.#lost = 0;
  }

  lose(count: number): void {
    this.world.sim.loseEdges(line, count);
    this.#toLose += count;
  }

  slow(index: number): void {
    const watcher = this.watchers[index % this.watchers.length];
    if (watcher !== undefined) watcher.client.ready = watcher.model.ready = false;
  }

  catchUp(index: number): void {
    const watcher = this.watchers[index % this.watchers.length];
    watcher?.client.catchUp();
    watcher?.model.catchUp();
  }

  check(): void {
    for (const { client, model } of this.watchers) {
      const events = client.events as (EventOf<"edge"> | EventOf<"silence">)[];
      assert.deepEqual(
        events.map((event) =>
          event.ev === "silence"
            ? { silentUs: Number(event.timestampNs) / 1000 }
            : { level: event.level, seq: event.seq, lost: event.lost },
        ),
        model.told,
      );
      const edges = events.filter((event) => event.ev === "edge");
      for (const [index, { seq, lost }] of edges.entries()) {
        assert.equal(seq, (edges[index - 1]?.seq ?? 0) + 1 + lost, "seq counts the lost ones");
      }
    }
  }
}

function act(words: string, run: (gallery: Gallery) => void | Promise<void>) {
  return step<Gallery>(words, async (gallery) => {
    await run(gallery);
    gallery.check();
  });
}

const watches = fc.array(
  fc.record({
    edge: fc.constantFrom<EdgeFilter>("both", "rising", "falling"),
    silenceMs: fc.option(fc.constantFrom(0.5, 1, 2, 5, 7.25), { nil: undefined, freq: 2 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const who = fc.nat(3);

property(
  "a slow watcher loses its own oldest edges and is told how many; the others see every one, and who asks for it every silence, once",
  fc.tuple(
    watches,
    scripts(
      [
        fc.constant(act("flip", (gallery) => gallery.flip())),
        fc.integer({ min: 2, max: 9 }).map((times) =>
          act(`flip ${times} times`, async (gallery) => {
            for (let flips = 0; flips < times; flips++) await gallery.flip();
          }),
        ),
        fc.integer({ min: 1, max: 20 }).map((ms) => act(`${ms} ms pass`, (gallery) => gallery.pass(ms))),
        who.map((index) => act(`${index} takes nothing`, (gallery) => gallery.slow(index))),
        who.map((index) => act(`${index} catches up`, (gallery) => gallery.catchUp(index))),
        fc.integer({ min: 1, max: 3 }).map((count) => act(`the kernel loses ${count}`, (gallery) => gallery.lose(count))),
      ],
      40,
    ),
  ),
  async ([wanted, script]) => {
    const gallery = new Gallery(wanted);
    await play(script, gallery);
    for (const index of gallery.watchers.keys()) gallery.catchUp(index);
    gallery.check();
    const { lostEvents } = gallery.world.supervisor.status().counters;
    const [only] = gallery.watchers;
    if (only === undefined || wanted.length > 1 || wanted[0]?.edge !== "both") return;
    const told = only.client.events.reduce((sum, event) => sum + ("lost" in event ? event.lost : 0), 0);
    const silences = wanted[0].silenceMs !== undefined;
    assert(silences ? told <= lostEvents : told === lostEvents, "what was lost is what was told");
  },
  300,
);

property(
  "who watches an output is told of every edge that its commands make, when the line makes it",
  fc.tuple(fc.boolean(), fc.array(fc.tuple(commandRequests("GPIO17"), fc.integer({ min: 0, max: 100 })), { maxLength: 8 })),
  async ([activeLow, commands]) => {
    const world = new World();
    const client = world.join("watcher");
    client.ask({ op: "open", pin: "GPIO17", direction: "out", activeLow });
    const watch = client.ask({ op: "watch", pin: "GPIO17" });
    const before = world.sim.trace(line).length;
    for (const [request, forMs] of commands) {
      client.ask(request);
      await world.pass(forMs);
    }
    const seen = client.events.filter((event): event is EventOf<"edge"> => event.sub === watch.body.sub);
    assert.deepEqual(
      seen.map(({ level, timestampNs }) => ({ level, timestampNs })),
      world.sim
        .trace(line)
        .slice(before)
        .map(({ level, timestampNs }) => ({ level: activeLow ? ((1 - level) as Level) : level, timestampNs })),
    );
  },
);
