import assert from "node:assert/strict";
import fc from "fast-check";
import type { EventOf } from "../../src/protocol/replies.ts";
import type { EdgeFilter, Level } from "../../src/protocol/requests.ts";
import { commandRequests } from "./pin-commands.ts";
import { play, property, scripts, step } from "./property.ts";
import { type ScriptedClient, World } from "./world.ts";

const line = { chip: "sim:0", offset: 17 };
const BACKLOG = 4;

type Told = Pick<EventOf<"edge">, "level" | "seq" | "lost">;

/** One watch as it should be: what it was told, what waits for it, and what it missed. */
class ModelWatch {
  ready = true;
  readonly told: Told[] = [];
  #waiting: Told[] = [];
  #seq = 0;
  /** Edges missed since the last one that it was told of: in the kernel, and by being slow. */
  #lostBelow = 0;
  #lostHere = 0;

  constructor(readonly filter: EdgeFilter) {}

  edge(level: Level, lost: number): void {
    this.#lostBelow += lost;
    if (this.filter !== "both" && this.filter !== (level === 1 ? "rising" : "falling")) return;
    this.#seq += 1 + this.#lostBelow;
    this.#waiting.push({ level, seq: this.#seq, lost: this.#lostBelow });
    this.#lostBelow = 0;
    if (this.ready) this.catchUp();
    else if (this.#waiting.length > BACKLOG) this.#lostHere += 1 + (this.#waiting.shift()?.lost ?? 0);
  }

  catchUp(): void {
    this.ready = true;
    for (const { lost, ...told } of this.#waiting.splice(0)) {
      this.told.push({ ...told, lost: lost + this.#lostHere });
      this.#lostHere = 0;
    }
  }
}

/** An input, and clients of which each watches it once. */
class Gallery {
  readonly world = new World({ limits: { backlogEvents: BACKLOG } });
  readonly watchers: { readonly client: ScriptedClient; readonly model: ModelWatch }[];
  #level: Level = 0;
  #toLose = 0;
  #lost = 0;

  constructor(filters: readonly EdgeFilter[]) {
    this.watchers = filters.map((edge, index) => {
      const client = this.world.join(`watcher ${index}`);
      assert.equal(client.ask({ op: "open", pin: "GPIO17", direction: "in" }).outcome, "ok");
      assert.equal(client.ask({ op: "watch", pin: "BOARD11", edge }).body.level, 0);
      return { client, model: new ModelWatch(edge) };
    });
  }

  async flip(): Promise<void> {
    await this.world.pass(1);
    this.#level = this.#level === 1 ? 0 : 1;
    this.world.sim.drive(line, this.#level);
    if (this.#toLose > 0) {
      this.#toLose--;
      this.#lost++;
      return;
    }
    for (const { model } of this.watchers) model.edge(this.#level, this.#lost);
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
      const edges = client.events as EventOf<"edge">[];
      assert.deepEqual(
        edges.map(({ level, seq, lost }) => ({ level, seq, lost })),
        model.told,
      );
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

const filters = fc.array(fc.constantFrom<EdgeFilter>("both", "rising", "falling"), { minLength: 1, maxLength: 4 });
const who = fc.nat(3);

property(
  "a slow watcher loses its own oldest edges and is told how many; the others see every one",
  fc.tuple(
    filters,
    scripts(
      [
        fc.constant(act("flip", (gallery) => gallery.flip())),
        fc.integer({ min: 2, max: 9 }).map((times) =>
          act(`flip ${times} times`, async (gallery) => {
            for (let flips = 0; flips < times; flips++) await gallery.flip();
          }),
        ),
        who.map((index) => act(`${index} takes nothing`, (gallery) => gallery.slow(index))),
        who.map((index) => act(`${index} catches up`, (gallery) => gallery.catchUp(index))),
        fc.integer({ min: 1, max: 3 }).map((count) => act(`the kernel loses ${count}`, (gallery) => gallery.lose(count))),
      ],
      40,
    ),
  ),
  async ([edges, script]) => {
    const gallery = new Gallery(edges);
    await play(script, gallery);
    for (const index of gallery.watchers.keys()) gallery.catchUp(index);
    gallery.check();
    const { lostEvents } = gallery.world.supervisor.status().counters;
    const [only] = gallery.watchers;
    if (only === undefined || edges.length > 1 || edges[0] !== "both") return;
    const told = (only.client.events as EventOf<"edge">[]).reduce((sum, { lost }) => sum + lost, 0);
    assert.equal(told, lostEvents, "what was lost is what was told");
  },
  300,
);

property(
  "who watches an output is told of every edge that its commands make, when the line makes it",
  fc.tuple(fc.boolean(), fc.array(fc.tuple(commandRequests, fc.integer({ min: 0, max: 100 })), { maxLength: 8 })),
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
