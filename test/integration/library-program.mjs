// A program for Node and for Bun, in a project that has installed the library: `node program.mjs FOLDER`. It uses the library in each way
// that there is, and prints what it saw.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { createSupervisor, FolderSharedMemory, RealClock, SimBackend, SimulatedClock } from "holdfast";
import { connect, HoldfastError } from "holdfast/client";

const [folder] = process.argv.slice(2);

/** The first `count` events of a stream. */
async function take(stream, count) {
  const events = [];
  for await (const event of stream) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

/** A client of the compiled supervisor that serves in the folder. */
async function talkToExecutable() {
  const client = await connect({ socket: join(folder, "holdfast.sock"), name: "node" });
  const led = await client.output(17);
  const button = await client.input("GPIO4");
  const edges = await button.edges({ edge: "rising" });
  for (const level of [1, 0, 1]) await client.simSet(4, level);
  const seen = await take(edges, 2);
  assert.deepEqual(
    seen.map(({ level, seq, lost }) => [level, seq, lost]),
    [
      [1, 1, 0],
      [1, 2, 0],
    ],
  );
  assert.ok(seen.every(({ timestampNs }) => typeof timestampNs === "bigint" && timestampNs > 0n));
  const { outcome } = await led.blink({ onMs: 10, offMs: 10, n: 3, ack: "done" });
  assert.equal(outcome, "done");
  await assert.rejects(client.output(17), (error) => error instanceof HoldfastError && error.code === "PIN_ALREADY_OPEN");
  await assert.rejects(led.on({ durationMs: -1 }), { code: "BAD_FIELD", details: { field: "durationMs" } });
  const { clients } = await client.status();
  assert.equal(clients[0].pid, process.pid);
  await led[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
}

/** A supervisor of this program's own, whose client is in this process. */
async function embed() {
  const backend = new SimBackend({ clock: new RealClock() });
  const supervisor = await createSupervisor({ backend });
  const client = await supervisor.client({ name: "embedded" });
  const led = await client.output("GPIO17");
  const states = await led.observe();
  const [input, output] = [await client.input(27), await client.output(22)];
  await client.simWire(22, 27);
  const edges = await input.edges();
  await output.pattern({
    steps: [
      { level: 1, ms: 5 },
      { level: 0, ms: 5 },
    ],
    n: 2,
    ack: "done",
  });
  assert.deepEqual(
    (await take(edges, 4)).map(({ level, seq }) => [level, seq]),
    [
      [1, 1],
      [0, 2],
      [1, 3],
      [0, 4],
    ],
  );
  await client.createPool("cam0", { slots: 2, bytes: 16 });
  const traced = await client.trace("pin/GPIO17");
  await client.send("pin/GPIO17", { type: "on" });
  assert.deepEqual(
    (await client.actors()).slice(-4).map(({ address }) => address),
    ["pool/cam0", "pool/cam0/slot/0", "pool/cam0/slot/1", "client/1"],
  );
  assert.deepEqual((await client.describeActor("pin/GPIO17")).machine.id, "pin");
  await led.off();
  assert.deepEqual((await take(traced, 5)).map(({ ev, state, level }) => [ev, state ?? level]).sort(), [
    ["edge", 0],
    ["edge", 1],
    ["transition", "idle"],
    ["transition", "idle"],
    ["transition", "on"],
  ]);
  await client.request("pool.remove", { pool: "cam0" });
  assert.deepEqual(
    (await take(states, 3)).map(({ state, by }) => [state, by]),
    [
      ["idle", null],
      ["on", "embedded"],
      ["idle", "embedded"],
    ],
  );
  assert.equal(supervisor.status().backend, "sim");
  await client[Symbol.asyncDispose]();
  await supervisor[Symbol.asyncDispose]();
  await supervisor.stopped;
}

/** Hours in an instant. */
async function simulateTime() {
  const clock = new SimulatedClock();
  const supervisor = await createSupervisor({ backend: new SimBackend({ clock }), clock });
  const client = await supervisor.client();
  const led = await client.output(17);
  const blinked = led.blink({ onMs: 1_800_000, offMs: 1_800_000, n: 24, ack: "done" });
  await led.read();
  clock.advanceMs(24 * 3_600_000);
  assert.equal((await blinked).outcome, "done");
  await supervisor.shutdown();
}

/** A supervisor that serves a socket from Node. */
async function serve() {
  const socket = join(folder, "node.sock");
  const supervisor = await createSupervisor({ backend: new SimBackend({ clock: new RealClock() }), socket });
  const [one, two] = [await connect({ socket, name: "one" }), await connect({ socket, name: "two" })];
  const led = await one.output(17);
  await assert.rejects(two.output(17), { code: "PIN_BUSY" });
  await assert.rejects(createSupervisor({ backend: new SimBackend({ clock: new RealClock() }), socket }), { code: "ALREADY_RUNNING" });
  const replies = await Promise.all(Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? led.on() : led.off())));
  assert.deepEqual(
    replies.map(({ command }) => command),
    Array.from({ length: 1000 }, (_, index) => index + 1),
  );
  // Node does not tell who is at the other end.
  const pid = process.versions.bun === undefined ? null : process.pid;
  assert.deepEqual(
    supervisor.status().clients.map(({ name, pid }) => [name, pid]),
    [
      ["one", pid],
      ["two", pid],
    ],
  );
  await one.close();
  await two.output(17, { waitMs: 5000 });
  await supervisor.shutdown();
  await assert.rejects(two.request("ping", {}), { code: "DISCONNECTED" });
  assert.equal(existsSync(socket), false);
}

/** A supervisor that serves a TCP port from Node, with TLS, tokens and certificates, and its clients. The test has put the files there. */
async function serveNetwork() {
  const [certificate, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map((name) => join(folder, name));
  const told = [];
  const log = { debug() {}, info: (fields, message) => told.push({ ...fields, message }), warn() {}, error() {} };
  const token = "hf_of-node";
  const access = {
    panel: { token: `sha256:${createHash("sha256").update(token).digest("hex")}`, command: ["GPIO17"] },
    own: { certificate: "localhost", read: "*" },
  };
  const serveWith = (more) =>
    createSupervisor({
      backend: new SimBackend({ clock: new RealClock() }),
      listen: { tcp: { port: 0, certificate, key, ...more } },
      access,
      log,
    });
  const urlOf = () => `holdfast://localhost:${told.findLast(({ message }) => message === "listening").port}`;
  const trusting = { ca: readFileSync(ca, "utf8"), token };
  const supervisor = await serveWith({});
  const far = await connect({ url: urlOf(), ...trusting });
  const led = await far.output(17);
  await led.on();
  await assert.rejects(far.output(27), { code: "FORBIDDEN" });
  await assert.rejects(connect({ url: urlOf(), ...trusting, token: "hf_guess" }), { code: "FORBIDDEN" });
  await assert.rejects(connect({ url: urlOf(), token }), { code: "TLS_FAILED" });
  const fingerprint = new X509Certificate(readFileSync(certificate)).fingerprint256;
  await (await connect({ url: urlOf(), token, fingerprint })).close();
  await assert.rejects(connect({ url: urlOf(), token, fingerprint: "00".repeat(32) }), { code: "TLS_FAILED" });
  assert.equal((await led.read()).level, 1);
  await far.close();
  await supervisor.shutdown();

  const strict = await serveWith({ clientCertificates: ca });
  await assert.rejects(connect({ url: urlOf(), ...trusting }), { code: "FORBIDDEN" });
  const own = { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
  const certified = await connect({ url: urlOf(), ca: trusting.ca, ...own });
  assert.equal((await certified.read(27)).level, 0);
  await strict.shutdown();
  await assert.rejects(certified.ping(), { code: "DISCONNECTED" });
}

/** Frames, which Node copies, through a supervisor of this program's own. */
async function shareFrames() {
  const memory = new FolderSharedMemory(folder);
  const supervisor = await createSupervisor({ backend: new SimBackend({ clock: new RealClock() }), memory });
  const client = await supervisor.client();
  const pool = await client.createPool("cam0", { slots: 6, fourcc: "GREY", width: 64, height: 48 });
  const frames = pool.frames();
  const next = frames.next();
  await client.request("ping", {});
  const slot = await pool.produce();
  const written = slot.data.fill(7);
  await assert.rejects(slot.publish({ bytes: 64 * 48 + 1 }), { code: "FRAME_TOO_LONG" });
  assert.deepEqual(await slot.publish(), { seq: 1 });
  assert.throws(() => slot.data, { code: "FRAME_RELEASED" });
  const { value: frame } = await next;
  const { data } = frame;
  assert.ok(frame.intact() && data.length === 64 * 48 && data.every((byte) => byte === 7));
  await pool.remove();
  assert.ok(frame.intact() && data.every((byte) => byte === 7));
  assert.equal(await frame.release(), true);
  await assert.rejects(frame.release(), { code: "FRAME_RELEASED" });
  assert.deepEqual([written.length, data.length], [0, 0]);
  await assert.rejects(frames.next(), { code: "POOL_GONE" });
  await pool.close();
  await supervisor.shutdown();
}

/** A pool whose slots are all in use, and one whose consumer keeps producers waiting. */
async function runOutOfSlots() {
  const memory = new FolderSharedMemory(folder);
  const supervisor = await createSupervisor({ backend: new SimBackend({ clock: new RealClock() }), memory });
  const client = await supervisor.client();
  const small = await client.createPool("small", { slots: 2, bytes: 100 });
  const [first] = [await small.produce(), await small.produce()];
  await assert.rejects(small.produce(), { code: "SLOT_NONE" });
  const sinceMs = performance.now();
  await assert.rejects(small.produce({ waitMs: 30 }), { code: "SLOT_NONE" });
  assert.ok(performance.now() - sinceMs >= 29);
  const waiting = small.produce({ waitMs: 20_000 });
  await first.abort();
  assert.equal((await waiting).slot, first.slot);

  const pool = await client.createPool("cam0", { slots: 6, bytes: 100 });
  const frames = pool.frames({ group: "saver", policy: "block", depth: 1, deadlineMs: 30 });
  const next = frames.next();
  await client.request("ping", {});
  for (let frame = 0; frame < 2; frame++) await (await pool.produce()).publish({ next: false });
  await assert.rejects(pool.produce(), { code: "SLOT_NONE", details: { field: "pool", pool: "cam0", blockedBy: ["saver"] } });
  (await next).value[Symbol.dispose]();
  await pool.produce({ waitMs: 20_000 });
  await client.close();
  await supervisor.shutdown({ hard: true });
}

/** A slot that is left while a read into its data is under way: what the read brings comes into no other frame. */
async function leaveWhileItIsRead() {
  const fifo = join(folder, "camera");
  execFileSync("mkfifo", [fifo]);
  const camera = await open(fifo, "r+");
  const memory = new FolderSharedMemory(folder);
  const supervisor = await createSupervisor({ backend: new SimBackend({ clock: new RealClock() }), memory });
  const client = await supervisor.client();
  const pool = await client.createPool("cam0", { slots: 6, bytes: 100 });
  const left = await pool.produce();
  const reading = camera.read(left.data, 0, 100, null);
  await left.abort();
  const slot = await pool.produce();
  slot.data.fill(1);
  await camera.write(new Uint8Array(100).fill(9));
  await reading;
  assert.ok(slot.data.every((byte) => byte === 1));
  await camera.close();
  await client.close();
  await supervisor.shutdown({ hard: true });
}

for (const use of [talkToExecutable, embed, simulateTime, serve, serveNetwork, shareFrames, runOutOfSlots, leaveWhileItIsRead]) {
  await use();
  console.log(use.name);
}
