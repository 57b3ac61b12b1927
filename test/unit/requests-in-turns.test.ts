import { expect, test } from "bun:test";
import type { Link } from "../../src/client/link.ts";
import type { HoldfastError } from "../../src/protocol/errors.ts";
import { inTurns } from "../../src/transports/in-turns.ts";

/** A link on which each request takes a while to be answered. @param ms how long */
async function slowLink(ms: number): Promise<{ readonly link: Link; readonly asked: object[]; readonly abandoned: HoldfastError[] }> {
  const asked: object[] = [];
  const abandoned: HoldfastError[] = [];
  const dial = inTurns(async () => ({
    send(request: object) {
      asked.push(request);
      const untilMs = performance.now() + ms;
      while (performance.now() < untilMs);
    },
    close: async () => {},
    abandon: (why: HoldfastError) => abandoned.push(why),
  }));
  return { link: await dial({ message() {}, closed() {} }), asked, abandoned };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const requests = (count: number) => Array.from({ length: count }, (_, id) => ({ id }));

test("requests are answered at once, and in order, as long as their turn lasts", async () => {
  const { link, asked } = await slowLink(0);
  for (const request of requests(3)) link.send(request);
  expect(asked).toEqual(requests(3));
});

test("of more than that others have theirs in between", async () => {
  const { link, asked } = await slowLink(1);
  for (const request of requests(20)) link.send(request);
  expect(asked.length).toBeLessThan(4);
  let turns = 0;
  while (asked.length < 20) {
    await turn();
    turns += 1;
  }
  expect(turns).toBeGreaterThan(4);
  expect(asked).toEqual(requests(20));
});

test("what was asked before the end is asked before it", async () => {
  const { link, asked } = await slowLink(1);
  for (const request of requests(10)) link.send(request);
  await link.close();
  expect(asked).toEqual(requests(10));
});

test("who asks without end is cut off", async () => {
  const { link, asked, abandoned } = await slowLink(1);
  for (const request of requests(20_010)) link.send(request);
  expect(abandoned[0]).toMatchObject({ code: "LIMIT_PENDING", details: { limit: 20_000 } });
  const before = asked.length;
  await turn();
  expect(asked.length).toBe(before);
});
