import { expect } from "bun:test";
import { encode } from "../../src/protocol/codec.ts";
import { eventually, type Stage, story } from "./processes.ts";

/** What a client may have unsent (1 MiB), what the kernel holds, and what an allocator does with such chunks. */
const BOUND_BYTES = 64 * 1024 * 1024;

/** How long it takes another client to be served while somebody else misbehaves: not at all longer than usual, but machines differ. */
async function expectService(stage: Stage): Promise<void> {
  const other = await stage.connect();
  const pin = await other.output(17);
  for (let round = 0; round < 100; round++) await pin.toggle();
  await pin.close();
  await other.close();
}

story("a client that pipelines requests and reads no replies is not read from until it does; then it gets them all", async (stage) => {
  const supervisor = await stage.serve();
  await expectService(stage);
  const before = supervisor.residentBytes;
  const greedy = await stage.raw();
  const total = 400_000;
  for (let id = 0; id < total; id += 1000) {
    greedy.send(Buffer.concat(Array.from({ length: 1000 }, (_, index) => encode({ id: id + index, op: "ping" }))));
  }
  await eventually("the supervisor takes no more", async () => {
    const was = greedy.takenBytes;
    await expectService(stage);
    return greedy.takenBytes === was;
  });
  expect(greedy.takenBytes).toBeLessThan(greedy.sentBytes);
  expect(supervisor.residentBytes - before).toBeLessThan(BOUND_BYTES);
  greedy.read();
  await eventually("every reply has come", () => greedy.messages.length === total);
  expect(greedy.messages.findIndex(({ id, ok }, index) => id !== index || ok !== true)).toBe(-1);
});

story("long replies that nobody reads stay bounded, and others are served", async (stage) => {
  const supervisor = await stage.serve("--log-level", "debug");
  await expectService(stage);
  const before = supervisor.residentBytes;
  const greedy = await stage.raw();
  const total = 10_000;
  greedy.request(...Array.from({ length: total }, (_, id) => ({ id, op: "pins" })));
  for (let round = 0; round < 5; round++) await expectService(stage);
  expect(supervisor.residentBytes - before).toBeLessThan(BOUND_BYTES);
  greedy.read();
  await eventually("every reply has come, or the connection is over", () => greedy.messages.length === total || greedy.ended);
  expect(greedy.messages.every(({ ok }) => ok === true)).toBe(true);
  await expectService(stage);
});

story("replies that come by themselves can't be held back: a client that reads none is disconnected", async (stage) => {
  const supervisor = await stage.serve(
    "--limit",
    "unsentBytes=65536",
    "--limit",
    "pendingRequests=100000",
    "--limit",
    "queuedCommands=100000",
  );
  const other = await stage.connect();
  const greedy = await stage.raw();
  greedy.request(
    { id: 1, op: "open", pin: "GPIO17", direction: "out" },
    { id: 2, op: "blink", pin: "GPIO17", onMs: 60_000, offMs: 60_000, n: 1 },
  );
  const waiting = Array.from({ length: 20_000 }, (_, index) => ({
    id: 3 + index,
    op: "on",
    pin: "GPIO17",
    durationMs: 60_000,
    ack: "done",
  }));
  greedy.request(...waiting);
  await eventually("all commands are queued", async () => (await other.status()).counters.accepted === waiting.length + 1);
  await other.shutdown();
  await other.shutdown();
  // To read sooner could be to read as fast as the replies come.
  expect(await supervisor.ended()).toBe(0);
  greedy.read();
  await eventually("the connection is over", () => greedy.ended);
  expect(supervisor.errors).toContain("LIMIT_UNSENT");
});
