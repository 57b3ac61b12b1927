import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { encode } from "../../src/protocol/codec.ts";
import { eventually, story } from "./processes.ts";
import type { RawConnection } from "./raw-connection.ts";

/** A frame around any bytes. */
function frame(...body: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length);
  bytes.set(body, 4);
  return bytes;
}

async function replies(connection: RawConnection, count: number): Promise<RawConnection["messages"]> {
  await eventually(`${count} messages have come`, () => connection.messages.length >= count);
  return connection.messages.splice(0);
}

story("a frame that is no message is answered, and the connection goes on", async (stage) => {
  await stage.serve();
  const connection = (await stage.raw()).read();
  const wrong = [
    frame(0xff),
    frame(0x80),
    frame(0xa1, 0x62, 0x69),
    frame(0xa1, 0x00, 0x00),
    frame(0xc0, 0xa0),
    frame(0xa0, 0xa0),
    frame(0xbf, 0xff),
  ];
  for (const bytes of wrong) {
    connection.send(bytes);
    expect(await replies(connection, 1)).toMatchObject([{ id: null, ok: false, error: { code: "BAD_CBOR" } }]);
  }
  connection.request({ id: 1, op: "ping" });
  expect(await replies(connection, 1)).toEqual([{ id: 1, ok: true }]);
});

story("a message that is no request is answered with its id, and changes nothing", async (stage) => {
  await stage.serve();
  const connection = (await stage.raw()).read();
  connection.request(
    { id: 1, op: "open", pin: "GPIO17", direction: "out" },
    { id: 2, op: "explode" },
    { id: 3 },
    { id: 4, op: "on", pin: "GPIO17", durationms: 5 },
    { id: 5, op: "on" },
    { id: 6, op: "on", pin: "GPIO17", durationMs: -1 },
    { id: 7, op: "on", pin: "GPIO17", durationMs: Number.NaN },
    { id: -8, op: "ping" },
    { op: "ping" },
    { id: 10, op: "read", pin: "GPIO17" },
  );
  const answers = await replies(connection, 10);
  expect(answers.map(({ id, ok, error }) => [id, ok, (error as { code: string } | undefined)?.code])).toEqual([
    [1, true, undefined],
    [2, false, "UNKNOWN_OP"],
    [3, false, "MISSING_FIELD"],
    [4, false, "UNKNOWN_FIELD"],
    [5, false, "MISSING_FIELD"],
    [6, false, "BAD_FIELD"],
    [7, false, "BAD_FIELD"],
    [null, false, "BAD_FIELD"],
    [null, false, "MISSING_FIELD"],
    [10, true, undefined],
  ]);
  expect(answers.at(-1)).toMatchObject({ state: "idle", level: 0 });
});

story("after a wrong length nothing can be understood: it is answered, then the connection is closed", async (stage) => {
  await stage.serve();
  const lengths = {
    "a length of zero": [frame(), "BAD_LENGTH"],
    "a huge length": [Uint8Array.of(0xff, 0xff, 0xff, 0xff), "LIMIT_MESSAGE"],
  } as const;
  for (const [what, [bytes, code]] of Object.entries(lengths)) {
    const connection = (await stage.raw()).read();
    connection.send(Buffer.concat([encode({ id: 1, op: "ping" }), bytes, encode({ id: 2, op: "ping" })]));
    await eventually(`the connection is closed after ${what}`, () => connection.ended);
    expect(connection.messages).toMatchObject([
      { id: 1, ok: true },
      { id: null, ok: false, error: { code } },
    ]);
  }
});

story("garbage is answered with errors or an end, and others are served all the while", async (stage) => {
  const supervisor = await stage.serve();
  const other = await stage.connect();
  const before = supervisor.residentBytes;
  for (let round = 0; round < 20; round++) {
    const connection = (await stage.raw()).read();
    connection.send(crypto.getRandomValues(new Uint8Array(1 + round * 3000)));
    connection.end();
    await other.request("ping", {});
    await eventually("the connection is over", () => connection.closed);
    expect(connection.messages.every(({ id, ok }) => id === null && ok === false)).toBe(true);
  }
  await eventually("they have gone", async () => (await other.status()).clients.length === 1);
  expect(supervisor.residentBytes - before).toBeLessThan(32 * 1024 * 1024);
});

story("half a frame and silence harm nobody; when the rest comes it is served, when the end comes it is forgotten", async (stage) => {
  await stage.serve();
  const other = await stage.connect();
  const [patient, gone] = [(await stage.raw()).read(), (await stage.raw()).read()];
  const bytes = encode({ id: 1, op: "ping" });
  for (const connection of [patient, gone]) connection.send(bytes.subarray(0, 7));
  await other.request("ping", {});
  gone.end();
  await eventually("the connection is over", () => gone.closed);
  for (const byte of bytes.subarray(7)) {
    patient.send(Uint8Array.of(byte));
    await other.request("ping", {});
  }
  expect(await replies(patient, 1)).toEqual([{ id: 1, ok: true }]);
  expect(gone.messages).toEqual([]);
});

story("an id may be used again once it has its reply, not before", async (stage) => {
  await stage.serve();
  const connection = (await stage.raw()).read();
  connection.request(
    { id: 1, op: "open", pin: "GPIO17", direction: "out" },
    { id: 1, op: "on", pin: "GPIO17", durationMs: 50, ack: "done" },
    { id: 1, op: "ping" },
  );
  expect(await replies(connection, 3)).toMatchObject([
    { id: 1, ok: true, pin: "GPIO17" },
    { id: 1, ok: false, error: { code: "ID_IN_USE" } },
    { id: 1, ok: true, outcome: "done" },
  ]);
  connection.request({ id: 1, op: "ping" });
  expect(await replies(connection, 1)).toEqual([{ id: 1, ok: true }]);
});

story("who sends no more still gets every reply, those that take their time included", async (stage) => {
  await stage.serve();
  const connection = (await stage.raw()).read();
  connection.request({ id: 0, op: "open", pin: "GPIO17", direction: "out" });
  const commands = Array.from({ length: 500 }, (_, index) => ({ id: 1 + index, op: index % 2 === 0 ? "on" : "off", pin: "GPIO17" }));
  connection.request(...commands, { id: 501, op: "on", pin: "GPIO17", durationMs: 150, ack: "done" }, { id: 502, op: "ping" });
  connection.end();
  await eventually("the connection is over", () => connection.closed);
  const { messages } = connection;
  expect(messages).toHaveLength(503);
  expect(messages.every(({ ok }) => ok === true)).toBe(true);
  expect(messages.at(-1)).toMatchObject({ id: 501, outcome: "done" });
});

story("a connection that is refused or broken holds nothing of the supervisor's, though its peer keeps it open", async (stage) => {
  const supervisor = await stage.serve("--limit", "clients=2");
  const descriptors = () => readdirSync(`/proc/${supervisor.pid}/fd`).length;
  const first = (await stage.raw()).read();
  first.request({ id: 1, op: "ping" });
  await replies(first, 1);
  const before = descriptors();
  const broken = (await stage.raw()).read();
  broken.send(new Uint8Array(4));
  expect(await replies(broken, 1)).toMatchObject([{ id: null, error: { code: "BAD_LENGTH" } }]);
  await eventually("the broken connection is closed", () => descriptors() === before);
  const second = (await stage.raw()).read();
  second.request({ id: 1, op: "ping" });
  await replies(second, 1);
  for (const refused of await Promise.all(Array.from({ length: 20 }, () => stage.raw()))) {
    expect(await replies(refused.read(), 1)).toMatchObject([{ id: null, error: { code: "LIMIT_CLIENTS" } }]);
  }
  await eventually("the refused connections are closed", () => descriptors() === before + 1);
});

story("however many connect at once, what they hold of the supervisor's is bounded", async (stage) => {
  const supervisor = await stage.serve("--limit", "clients=2");
  const descriptors = () => readdirSync(`/proc/${supervisor.pid}/fd`).length;
  const before = descriptors();
  let most = 0;
  for (let crowd = 0; crowd < 10; crowd++) {
    await Promise.allSettled(Array.from({ length: 30 }, () => stage.raw()));
    most = Math.max(most, descriptors());
  }
  // Of 300: two clients, 64 that are told why they are refused, and those that are being closed at that instant.
  expect(most - before).toBeLessThan(100);
  await eventually("all but the clients are closed", () => descriptors() <= before + 2);
});
