import assert from "node:assert/strict";
import { type Answer, type Asked, type ScriptedClient, World, type WorldOptions } from "../../src/index-testing.ts";
import type { EventOf, Grant, PoolInfo } from "../../src/protocol/replies.ts";
import type { PoolSettings } from "../../src/protocol/requests.ts";

type Subscribing = Omit<Extract<Asked, { op: "frames.subscribe" }>, "op" | "pool">;

/** A supervisor with one pool, `cam0`, that belongs to nobody. */
export class PoolStage {
  readonly world: World;

  private constructor(world: World) {
    this.world = world;
  }

  static async open(settings: PoolSettings = { slots: 6, bytes: 1000 }, options: WorldOptions = {}): Promise<PoolStage> {
    const stage = new PoolStage(new World(options));
    const made = stage.world.join("maker").ask({ op: "pool.create", pool: "cam0", ...settings });
    await stage.world.settle();
    assert.equal(made.outcome, "ok");
    return stage;
  }

  /** A client in a process that runs. */
  join(name: string, pid: number): ScriptedClient {
    this.world.processes.start(pid);
    return this.world.join(name, pid);
  }

  /** A consumer that has subscribed. */
  async consumer(name: string, pid: number, fields: Subscribing = {}): Promise<ScriptedClient> {
    const client = this.join(name, pid);
    assert.equal(client.ask({ op: "frames.subscribe", pool: "cam0", ...fields }).outcome, "ok");
    await this.world.settle();
    return client;
  }

  acquire(producer: ScriptedClient): Grant {
    return producer.ask({ op: "slot.acquire", pool: "cam0" }).body;
  }

  /** A whole frame. @returns its number */
  publish(producer: ScriptedClient): number {
    return producer.ask({ op: "slot.publish", lease: this.acquire(producer).lease, bytes: 10 }).body.seq;
  }

  /** The frames that a client has been given. */
  frames(consumer: ScriptedClient): EventOf<"frame">[] {
    return consumer.events.filter((event) => event.ev === "frame");
  }

  /** Releases the last frame that a client has been given. */
  release(consumer: ScriptedClient): Answer<"slot.release"> {
    const { lease } = this.frames(consumer).at(-1) as EventOf<"frame">;
    return consumer.ask({ op: "slot.release", lease });
  }

  get info(): PoolInfo {
    const [info] = this.world.supervisor.pools.all();
    assert(info !== undefined);
    return info;
  }

  /** Of each slot. */
  get states(): string {
    return this.info.slots.map(({ state }) => state).join(" ");
  }
}
