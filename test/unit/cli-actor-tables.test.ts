import { expect, test } from "bun:test";
import { userActorTable } from "../../src/cli/actor-tables.ts";
import type { UserActorInfo } from "../../src/protocol/replies.ts";

const running: UserActorInfo = {
  actor: "door",
  file: "/srv/door.ts",
  state: "running",
  stateMs: 12_345,
  restart: "on-failure",
  starts: 1,
  restarts: 0,
  nextStartMs: null,
  end: null,
};

const cells = (line = "") => line.split(/ {2,}/);

test("an actor that has failed is shown with the place where, and with when it is started again", () => {
  const failed: UserActorInfo = {
    ...running,
    actor: "gate",
    state: "backoff",
    restarts: 2,
    nextStartMs: 900,
    end: { reason: "failed", code: "ACTOR_FAILED", message: "x is not a function", file: "/srv/gate.ts", line: 12, column: 5 },
  };
  const [headings, ...rows] = userActorTable([running, failed]).split("\n");
  expect(cells(headings)).toEqual(["ACTOR", "STATE", "FOR", "RESTARTS", "FILE", "ENDED"]);
  expect(rows.map(cells)).toEqual([
    ["door", "running", "12 s", "0", "/srv/door.ts", "-"],
    ["gate", "backoff, starts in 900 ms", "12 s", "2", "/srv/door.ts", "failed: /srv/gate.ts:12:5: x is not a function"],
  ]);
});

test("one of which no place is known, and one that is done, say what they can", () => {
  const ends: UserActorInfo["end"][] = [{ reason: "blocked", code: "ACTOR_FAILED", message: "it hangs" }, { reason: "done" }];
  const rows = userActorTable(ends.map((end) => ({ ...running, file: null, end })))
    .split("\n")
    .slice(1);
  expect(rows.map((row) => cells(row).slice(-2))).toEqual([
    ["-", "blocked: it hangs"],
    ["-", "done"],
  ]);
  expect(userActorTable([])).toBe("There is no actor of a user that you may see.");
});
