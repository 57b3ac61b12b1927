import { describe, expect, test } from "bun:test";
import { mistakesInProcesses, type ProcessTable, processSettings } from "../../src/protocol/process-table.ts";

const command = ["program"];

/** What is wrong with these tables, a sentence each. */
function mistakesIn(tables: Readonly<Record<string, unknown>>): readonly string[] {
  return [...mistakesInProcesses(tables as Record<string, ProcessTable>)].map(({ message }) => message);
}

test("tables that fit together have no mistake", () => {
  expect(
    mistakesIn({ a: { command }, b: { command, after: ["a"] }, c: { command, after: ["a", "b"], heartbeatMs: 1, startMs: 1 } }),
  ).toEqual([]);
});

describe("each mistake is named by its key", () => {
  const mistakes: [tables: Readonly<Record<string, unknown>>, says: string[]][] = [
    [{ a: { command, after: ["b"] } }, ["process.a.after: there is no process b"]],
    [{ a: { command, after: ["a"] } }, ["process.a.after: leads round in a circle: a after a"]],
    [
      { a: { command, after: ["b"] }, b: { command, after: ["a"] }, c: { command, after: ["a"] } },
      ["process.a.after: leads round in a circle: a after b after a", "process.b.after: leads round in a circle: b after a after b"],
    ],
    [{ a: { command, startMs: 5 } }, ["process.a.startMs: is for a process with heartbeatMs"]],
    [{ a: { command, backoffMs: 70_000 } }, ["process.a.backoffMs: 70000 ms is longer than maxBackoffMs, 60000 ms"]],
    [{ a: {} }, ["process.a.command: must be a list"]],
    [{ a: { command: ["a\0b"] } }, ["process.a.command.0: must not hold NUL"]],
    [{ "../a": { command } }, ['process."../a": must be letters, digits, and . _ - behind the first']],
  ];
  for (const [tables, says] of mistakes) test(says.join("; "), () => expect(mistakesIn(tables)).toEqual(says));
});

test("what a table leaves open is as it is by default", () => {
  expect(processSettings({ command, restart: undefined, graceMs: 1 })).toMatchObject({
    command,
    restart: "on-failure",
    graceMs: 1,
    after: [],
  });
});
