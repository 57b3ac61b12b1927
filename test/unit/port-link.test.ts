import { describe, expect, test } from "bun:test";
import { HoldfastClient } from "../../src/client/client.ts";
import { overPort, type ToClient, type ToSupervisor } from "../../src/client/port-link.ts";
import { servePort } from "../../src/user-actors/served-port.ts";
import { ActorStage, settled } from "./actor-stage.ts";

/** The way between two threads, one of which may take nothing for a while. */
class Way {
  /** Whether what is told to the client comes to it. */
  isOpen = true;
  readonly waiting: ToClient[] = [];
  #toClient: (told: ToClient) => void = () => {};
  #toSupervisor: (said: ToSupervisor) => void = () => {};

  readonly client = {
    post: (said: ToSupervisor) => queueMicrotask(() => this.#toSupervisor(structuredClone(said))),
    listen: (hear: (told: ToClient) => void) => {
      this.#toClient = hear;
    },
  };
  readonly supervisor = {
    post: (told: ToClient) => {
      this.waiting.push(structuredClone(told));
      this.deliver();
    },
    listen: (hear: (said: ToSupervisor) => void) => {
      this.#toSupervisor = hear;
    },
  };

  deliver(): void {
    if (this.isOpen) for (const told of this.waiting.splice(0)) queueMicrotask(() => this.#toClient(told));
  }
}

describe("a client in another thread", () => {
  test("that takes nothing fills no memory: its events wait in the supervisor, and the oldest are lost and counted", async () => {
    await using stage = await ActorStage.open();
    const way = new Way();
    servePort(way.supervisor, stage.dial("thread"));
    const client = await HoldfastClient.over(overPort(way.client), { name: "thread" });
    const messages = await client.topic("ticks");
    way.isOpen = false;
    const ticks = 3000;
    for (let tick = 1; tick <= ticks; tick++) await stage.world.publish("ticks", tick);
    await settled();
    expect(way.waiting.length).toBeLessThan(1000);
    way.isOpen = true;
    way.deliver();
    let heard = 0;
    let lost = 0;
    for await (const message of messages) {
      heard += 1;
      lost += message.lost;
      if (message.value === ticks) break;
    }
    expect(heard + lost).toBe(ticks);
    expect(lost).toBeGreaterThan(0);
  });

  test("is told what its messages can't carry, and goes on", async () => {
    await using stage = await ActorStage.open();
    const way = new Way();
    servePort(way.supervisor, stage.dial("thread"));
    const client = await HoldfastClient.over(overPort({ ...way.client, post: (said) => way.client.post(structuredClone(said)) }), {});
    const refused = await client.publish("a", () => {}).catch((error) => error);
    expect(refused).toMatchObject({ code: "BAD_FIELD" });
    expect(await client.publish("a", 3)).toBe(0);
    await client.close();
    expect((await stage.world.status()).clients.map(({ name }) => name)).toEqual(["world"]);
  });

  test("that has gone without a word holds nothing any more", async () => {
    await using stage = await ActorStage.open();
    const way = new Way();
    const leave = servePort(way.supervisor, stage.dial("thread"));
    const client = await HoldfastClient.over(overPort(way.client), { name: "thread" });
    await client.output("GPIO17");
    leave();
    await settled();
    expect((await stage.world.read("GPIO17")).state).toBe("closed");
  });

  test("learns that the supervisor has ended", async () => {
    const stage = await ActorStage.open();
    const way = new Way();
    servePort(way.supervisor, stage.dial("thread"));
    const client = await HoldfastClient.over(overPort(way.client), { name: "thread" });
    await stage[Symbol.asyncDispose]();
    await settled();
    const late = await client.ping().catch((error) => error);
    expect(late).toMatchObject({ code: "DISCONNECTED" });
  });
});
