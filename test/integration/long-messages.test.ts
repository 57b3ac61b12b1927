import { expect } from "bun:test";
import { eventually, story } from "./processes.ts";

const LIMIT = 65_536;
const tooLong = new Uint8Array(LIMIT);

story("a request that is too long is refused before it is sent, and its client goes on with all that it holds", async (stage) => {
  await stage.serve();
  const client = await stage.connect();
  const led = await client.output("GPIO17");
  await led.on();
  const asked = [client.ping(), client.publish("picture", tooLong), client.ping()];
  const [before, refused, behind] = await Promise.allSettled(asked);
  expect([before?.status, behind?.status]).toEqual(["fulfilled", "fulfilled"]);
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "LIMIT_MESSAGE", details: { limit: LIMIT } } });
  expect(await client.publish("picture", tooLong.subarray(100))).toBe(0);
  expect((await led.read()).level).toBe(1);
});

story("the limit is that of the supervisor", async (stage) => {
  await stage.serve("--limit", "messageBytes=1000");
  const client = await stage.connect();
  const refused = await client.publish("picture", new Uint8Array(1000)).catch((error) => error);
  expect(refused).toMatchObject({ code: "LIMIT_MESSAGE", details: { limit: 1000 } });
  expect(await client.publish("picture", new Uint8Array(900))).toBe(0);
});

story("who sends one all the same is told why the connection ends, behind the replies to what came before", async (stage) => {
  await stage.serve();
  const raw = await stage.raw();
  raw.request({ id: 1, op: "hello", protocol: 1, name: "raw" }, { id: 2, op: "topic.publish", topic: "picture", value: tooLong });
  raw.read();
  await eventually("the connection has ended", () => raw.ended);
  expect(raw.messages).toMatchObject([
    { id: 1, ok: true, messageBytes: LIMIT },
    { id: null, ok: false, error: { code: "LIMIT_MESSAGE", limit: LIMIT } },
  ]);
});
