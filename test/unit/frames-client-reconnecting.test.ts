import { describe, expect, test } from "bun:test";
import { BYTES, scene, settled, until, Yard } from "./frames-client-yard.ts";

describe("when the connection is lost", () => {
  async function cutScene(yard: Yard) {
    const states: string[] = [];
    const client = await yard.client({ reconnect: true, onConnection: (state) => states.push(state) });
    const told = await scene(client, { policy: "latest" });
    await told.publish(1);
    const frame = await told.take(told.first);
    await told.publish(2);
    const cut = async () => {
      await yard.cut();
      await until(() => states.includes("back"));
    };
    return { ...told, client, frame, cut };
  }

  test("a frame stays readable, and its release is no request but a false", async () => {
    await using yard = new Yard();
    const { frame, cut } = await cutScene(yard);
    await cut();
    yard.sent = [];
    expect(frame.data[BYTES - 1]).toBe(1);
    expect(await frame.release()).toBe(false);
    expect(yard.sent).toEqual([]);
  });

  test("the stream goes on, and so does the producer", async () => {
    await using yard = new Yard();
    const { frame, cut, publish, take } = await cutScene(yard);
    await cut();
    frame[Symbol.dispose]();
    const next = take();
    await publish(3);
    expect((await next).data[0]).toBe(3);
  });

  test("the stream goes on, also when it was about to map another file", async () => {
    await using yard = new Yard();
    const { frame, cut, publish, take } = await cutScene(yard);
    frame[Symbol.dispose]();
    let isAsked = false;
    yard.intercept = (message, pass) => {
      if ("path" in message) isAsked = true;
      else pass(message["ev"] === "frame" ? { ...message, epoch: 1 } : message);
    };
    const next = take();
    await until(() => isAsked);
    yard.intercept = (message, pass) => pass(message);
    await cut();
    await publish(3);
    expect((await next).data[0]).toBe(3);
  });

  test("a slot that was written is lost, and given up on the new connection", async () => {
    await using yard = new Yard();
    const { pool, cut } = await cutScene(yard);
    const slot = await pool.produce();
    const kept = slot.data;
    yard.sent = [];
    await cut();
    expect(yard.sent.filter((op) => op.startsWith("slot.abort"))).toEqual([]);
    await expect(slot.publish()).rejects.toMatchObject({ code: "DISCONNECTED" });
    expect(kept).toHaveLength(0);
    await settled();
    expect(yard.sent.filter((op) => op.startsWith("slot."))).toEqual([expect.stringContaining("slot.abort")]);
    await expect(slot.publish()).rejects.toMatchObject({ code: "FRAME_RELEASED" });
  });

  test("a pool that is closed meanwhile gives its slots up when there is a connection again", async () => {
    await using yard = new Yard();
    const { pool, cut } = await cutScene(yard);
    const slot = await pool.produce();
    yard.sent = [];
    const back = cut();
    await settled();
    slot[Symbol.dispose]();
    await pool.close();
    await back;
    expect(yard.sent.filter((op) => op.startsWith("slot."))).toEqual([expect.stringContaining("slot.abort")]);
  });

  test("the grant that was kept for the next frame is given up on the new connection, and not to another supervisor", async () => {
    for (const another of [false, true]) {
      await using yard = new Yard();
      const { cut } = await cutScene(yard);
      yard.sent = [];
      if (another) yard.intercept = (message, pass) => pass("epoch" in message ? { ...message, epoch: 1 } : message);
      await cut();
      expect(yard.sent.filter((op) => op.startsWith("slot.abort"))).toHaveLength(another ? 0 : 1);
    }
  });
});
