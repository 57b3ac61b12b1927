import { expect, test } from "bun:test";
import { plainData, plainMap } from "../../src/user-actors/plain-data.ts";

test("plain data is copied, and everything else is left out", () => {
  const plain = { n: 1, text: "a", no: null, big: 2n, bytes: new Uint8Array([1]), list: [1, [2]] };
  expect(plainData({ ...plain, act: () => 1, when: new Date(), odd: Number.NaN, none: undefined })).toEqual(plain);
  expect(plainData([1, () => 1, Symbol("a")])).toEqual([1, null, null]);
  expect(plainMap([1])).toEqual({});
});

test("a map that leads back to itself on many ways is looked at for no longer than another", () => {
  const knot: Record<string, unknown> = { n: 1 };
  for (let way = 0; way < 100; way++) knot[`way${way}`] = knot;
  expect(plainMap({ speed: 3, knot })).toMatchObject({ speed: 3, knot: { n: 1 } });
});

test("what is too much to be copied at every change is left out, and the rest is there", () => {
  const frame = new Uint8Array(1_000_000);
  expect(plainMap({ frame, text: "x".repeat(1_000_000), list: Array(1_000_000).fill(1), speed: 3 })).toEqual({ speed: 3 });
});

test("what throws when it is read is left out", () => {
  const trap = {
    get bad() {
      throw new Error("read");
    },
  };
  expect(plainMap({ trap, speed: 3 })).toEqual({ speed: 3 });
});
