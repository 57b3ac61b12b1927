import { expect, test } from "bun:test";
import { tally } from "../../src/cli/status.ts";
import type { Counters } from "../../src/protocol/replies.ts";
import { newTally } from "../../src/supervisor/tally.ts";

const none: Counters = { ...newTally(), requests: 12, errors: 1, accepted: 7, done: 5, cancelled: 2, edges: 30, lostEvents: 4 };

test("status tells what was counted of commands and edges, and nothing of frames where there are none", () => {
  expect(tally(none)).toBe("12 requests, 1 refused · 7 commands: 5 done, 2 cancelled · 30 edges, 4 lost");
});

test("what became of frames is told: delivered, dropped, and taken from those who held them for too long", () => {
  const counters = { ...none, framesPublished: 9, framesDelivered: 8, framesDropped: 3, leasesRevoked: 2 };
  expect(tally(counters)).toEndWith(" · 9 frames: 8 delivered, 3 dropped, 2 revoked");
});

test("slots of producers that went without a word are told, even of one that has published nothing", () => {
  expect(tally({ ...none, slotsQuarantined: 1 })).toEndWith("30 edges, 4 lost · 1 slot quarantined");
});
