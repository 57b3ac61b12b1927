import assert from "node:assert/strict";
import fc from "fast-check";
import { play, type ScriptedClient, scripts, step, topicFilters, topicNames, World } from "../../src/index-testing.ts";
import { type AccessTable, accessBy } from "../../src/protocol/access.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import { property } from "./property.ts";
import { fits, witnesses } from "./topic-rules.ts";

const BACKLOG = 4;
const TOPICS = 6;

/** A message that was published, or that a topic keeps. */
interface Said {
  readonly topic: string;
  /** Absent: it has none. */
  readonly value?: number;
  readonly by: string;
  readonly retained: boolean;
}

/** One subscription as it should be. */
interface Listener {
  readonly client: ScriptedClient;
  readonly sub: number;
  readonly filter: string;
  /** As many wait at the most. */
  readonly most: number;
  /** What it should be told, in this order, but for what it is too slow for. */
  readonly due: Said[];
}

/** Programs that tell each other things, and what each should have heard. */
class Assembly {
  readonly world = new World({ limits: { backlogEvents: BACKLOG, topics: TOPICS } });
  readonly clients: ScriptedClient[];
  /** By name, the last published at the end. */
  readonly kept = new Map<string, Said>();
  listeners: Listener[] = [];
  #published = 0;
  /** Clients and subscriptions that have gone, and how much they had been told. */
  readonly #left: (readonly [client: ScriptedClient, told: number, sub?: number])[] = [];

  constructor() {
    this.clients = [0, 1, 2].map((number) => this.world.join(`client ${number}`));
  }

  client(index: number): ScriptedClient {
    return this.clients[index % this.clients.length] as ScriptedClient;
  }

  subscribe(index: number, filter: string): void {
    const client = this.client(index);
    const { sub, retained } = client.ask({ op: "topic.subscribe", topic: filter }).body;
    const due = [...this.kept.values()].filter(({ topic }) => fits(filter, topic));
    assert.equal(retained, due.length);
    this.listeners.push({ client, sub, filter, most: Math.max(BACKLOG, due.length), due });
  }

  unsubscribe(index: number): void {
    const [listener] = this.listeners.splice(index % this.listeners.length, 1) as [Listener];
    listener.client.ask({ op: "unwatch", sub: listener.sub });
    this.#left.push([listener.client, toldOf(listener).length, listener.sub]);
  }

  publish(index: number, topic: string, hasValue: boolean, retain: boolean): void {
    const client = this.client(index);
    const said: Said = { topic, ...(hasValue && { value: this.#published++ }), by: client.client.name, retained: false };
    const answer = client.ask({ op: "topic.publish", topic, value: said.value, retain });
    if (retain && hasValue && !this.kept.has(topic) && this.kept.size === TOPICS) {
      assert.equal(answer.outcome, "LIMIT_TOPICS");
      return;
    }
    if (retain) this.kept.delete(topic);
    if (retain && hasValue) this.kept.set(topic, { ...said, retained: true });
    const told = this.listeners.filter(({ filter }) => fits(filter, topic));
    for (const { due } of told) due.push(said);
    assert.equal(answer.body.subscribers, told.length);
  }

  catchUp(index: number): void {
    const client = this.client(index);
    const mine = this.listeners.filter((listener) => listener.client === client);
    const before = mine.map((listener) => ({ listener, ...heard(listener) }));
    client.catchUp();
    for (const { listener, due, told } of before) {
      assert.equal(heard(listener).told - told, Math.min(listener.due.length - due, listener.most), "it loses no more than it must");
    }
  }

  leave(index: number): void {
    const client = this.client(index);
    client.leave();
    this.listeners = this.listeners.filter((listener) => listener.client !== client);
    this.#left.push([client, client.events.length]);
    this.clients[this.clients.indexOf(client)] = this.world.join(`${client.client.name}'`);
  }

  check(): void {
    for (const listener of this.listeners) {
      const { due } = heard(listener);
      if (listener.client.ready) assert.equal(due, listener.due.length, "delivered + lost = published that fit");
    }
    for (const [client, told, sub] of this.#left) {
      const all = sub === undefined ? client.events : toldOf({ client, sub });
      assert.equal(all.length, told, "who has left is told nothing more");
    }
    const { topics } = this.client(0).ask({ op: "topics" }).body;
    assert.deepEqual(
      topics.map(({ topic, by, subscribers }) => ({ topic, by, subscribers })),
      [...this.kept.values()].map(({ topic, by }) => ({
        topic,
        by,
        subscribers: this.listeners.filter(({ filter }) => fits(filter, topic)).length,
      })),
    );
  }
}

function toldOf({ client, sub }: Pick<Listener, "client" | "sub">): EventOf<"message">[] {
  return client.events.filter((event): event is EventOf<"message"> => event.sub === sub);
}

/** How much of what is due a subscription has been told, or told that it is lost; each is what was published then. */
function heard({ client, sub, due }: Listener): { due: number; told: number } {
  let at = 0;
  const messages = toldOf({ client, sub });
  for (const { sub: _, ev: _ev, timestampNs: _at, lost, ...said } of messages) {
    at += lost;
    assert.deepEqual(said, due[at]);
    at += 1;
  }
  return { due: at, told: messages.length };
}

function act(words: string, run: (assembly: Assembly) => void, applies?: (assembly: Assembly) => boolean) {
  return step<Assembly>(
    words,
    async (assembly) => {
      run(assembly);
      await assembly.world.settle();
      assembly.check();
    },
    applies,
  );
}

const who = fc.nat(2);

property(
  "each subscription is told what was published that fits, in order, the kept values first; what it loses by being slow is counted",
  scripts(
    [
      fc
        .tuple(who, topicFilters)
        .map(([index, filter]) => act(`${index}: subscribe ${filter}`, (assembly) => assembly.subscribe(index, filter))),
      fc.nat(9).map((index) =>
        act(
          `unsubscribe ${index}`,
          (assembly) => assembly.unsubscribe(index),
          ({ listeners }) => listeners.length > 0,
        ),
      ),
      ...[false, true].map((retain) =>
        fc
          .tuple(who, topicNames, fc.integer({ max: 5 }))
          .map(([index, topic, value]) =>
            act(`${index}: publish ${topic}${value === 0 ? " nothing" : ""}${retain ? " --retain" : ""}`, (assembly) =>
              assembly.publish(index, topic, value !== 0, retain),
            ),
          ),
      ),
      fc.tuple(who, topicFilters, topicNames, fc.boolean()).map(([index, filter, topic, leaves]) =>
        act(`${index}: subscribe ${filter}, and at once publish ${topic}${leaves ? ", and unsubscribe" : ""}`, (assembly) => {
          assembly.subscribe(index, filter);
          assembly.publish(index, topic, true, false);
          if (leaves) assembly.unsubscribe(assembly.listeners.length - 1);
        }),
      ),
      fc.tuple(who, topicNames).map(([index, topic]) =>
        act(`${index}: publish ${topic} 7 times`, (assembly) => {
          for (let time = 0; time < 7; time++) assembly.publish(index, topic, true, false);
        }),
      ),
      who.map((index) =>
        act(`${index} takes nothing`, (assembly) => {
          assembly.client(index).ready = false;
        }),
      ),
      who.map((index) => act(`${index} catches up`, (assembly) => assembly.catchUp(index))),
      who.map((index) => act(`${index} leaves`, (assembly) => assembly.leave(index))),
    ],
    60,
  ),
  async (script) => {
    const assembly = new Assembly();
    await play(script, assembly);
    for (const index of assembly.clients.keys()) assembly.catchUp(index);
    assembly.check();
    assert.deepEqual(assembly.world.defects, []);
  },
);

const filters = fc.oneof({ weight: 5, arbitrary: fc.array(topicFilters, { maxLength: 3 }) }, fc.constant("*" as const));
const tables: fc.Arbitrary<AccessTable> = fc.record({ publish: filters, subscribe: filters }, { requiredKeys: [] });

/** Whether one of the filters fits all that is meant. */
function allows(granted: AccessTable["publish"], topic: string): boolean {
  if (granted === "*") return true;
  return (granted ?? []).some((filter) => witnesses(topic).every((name) => fits(filter, name)));
}

property(
  "nobody is told, or tells, what no filter of its rights fits; the rest is as if there were no rights",
  fc.tuple(
    tables,
    fc.array(
      fc.oneof(
        fc.record({
          op: fc.constant("topic.publish" as const),
          isConfined: fc.boolean(),
          topic: topicNames,
          value: fc.nat(),
          retain: fc.boolean(),
        }),
        fc.record({ op: fc.constant("topic.subscribe" as const), isConfined: fc.boolean(), topic: topicFilters }),
      ),
      { maxLength: 30, size: "max" },
    ),
  ),
  async ([table, asked]) => {
    const world = new World();
    const confined = world.welcome("confined", { access: () => accessBy([["some", table]]) });
    const owner = world.join("owner");
    const ear = world.join("ear");
    for (const topic of ["#", "$s/#"]) ear.ask({ op: "topic.subscribe", topic });
    for (const { isConfined, ...request } of asked) {
      const before = ear.events.length;
      const { outcome } = (isConfined ? confined : owner).ask(request);
      await world.settle();
      const right = request.op === "topic.publish" ? "publish" : "subscribe";
      assert.equal(outcome, isConfined && !allows(table[right], request.topic) ? "FORBIDDEN" : "ok");
      if (outcome === "FORBIDDEN") assert.equal(ear.events.length, before);
    }
    const messages = confined.events.filter((event) => event.ev === "message");
    for (const { topic } of messages) assert(table.subscribe === "*" || table.subscribe?.some((filter) => fits(filter, topic)));
    assert.deepEqual(
      confined.ask({ op: "topics" }).body.topics,
      owner.ask({ op: "topics" }).body.topics.filter(({ topic }) => allows(table.subscribe, topic)),
    );
  },
);
