import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Frame, HoldfastClient, PoolInfo } from "../../src/index.ts";
import { eventually, type ServeProcess, type Stage, story } from "./processes.ts";

const source = join(import.meta.dir, "..", "..", "src", "index.ts");
const library = join(import.meta.dir, "..", "..", "dist", "lib", "src", "index.js");
if (!existsSync(library)) throw new Error(`there is no ${library}: run \`make lib\` first`);

const runtimes = { Bun: [process.execPath, source], Node: ["node", library] } as const;
type Runtime = keyof typeof runtimes;

/** Where a stage's pools are. */
const shm = (stage: Stage) => join(stage.folder, "shm");

/** A supervisor with one pool, cam0, in a folder of the stage. */
async function serve(stage: Stage): Promise<ServeProcess> {
  mkdirSync(shm(stage), { recursive: true });
  const pool = '[pool.cam0]\nslots = 10\nformat = "BGR3"\nwidth = 320\nheight = 240\n';
  return stage.serve("--config", stage.file("its.toml", `[frames]\ndirectory = "${shm(stage)}"\n${pool}`));
}

async function cam0(client: HoldfastClient): Promise<PoolInfo> {
  const [info] = await client.pools();
  if (info === undefined) throw new Error("there is no pool");
  return info;
}

/** Waits until so many consumers take frames of cam0. */
function consumers(client: HoldfastClient, number: number): Promise<void> {
  return eventually(`${number} consumers`, async () => {
    const { groups } = await cam0(client);
    return groups.reduce((sum, group) => sum + group.consumers.length, 0) === number;
  });
}

/** Runs one end of cam0 to its end, and returns what it saw. */
async function peer(stage: Stage, runtime: Runtime, role: "produce" | "consume", count: number): Promise<unknown> {
  const [command, imported] = runtimes[runtime];
  const program = join(import.meta.dir, "frames-peer.mjs");
  const { status, stdout, stderr } = await stage.run(command, program, imported, stage.socket, role, "cam0", String(count));
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** Publishes one frame that has this value in each byte. */
async function publish(client: HoldfastClient, value: number): Promise<void> {
  await using pool = await client.pool("cam0");
  using slot = await pool.produce();
  slot.data.fill(value);
  await slot.publish();
}

/** The next frame of a subscription, of which `begun` says that it is there. */
async function frameOf(next: Promise<IteratorResult<Frame, undefined>>): Promise<Frame> {
  const { value } = await next;
  if (value === undefined) throw new Error("the stream has ended");
  return value;
}

for (const [producer, consumer] of [
  ["Bun", "Bun"],
  ["Bun", "Node"],
  ["Node", "Bun"],
  ["Node", "Node"],
] as const) {
  story(`every byte of every frame comes from a producer in ${producer} to a consumer in ${consumer}`, async (stage) => {
    await serve(stage);
    const client = await stage.connect();
    const frames = 60;
    const consuming = peer(stage, consumer, "consume", frames);
    await consumers(client, 1);
    await peer(stage, producer, "produce", frames);
    expect(await consuming).toEqual({ frames, wrong: 0, torn: 0, invalid: 0, kept: 0 });
    await eventually("no slot is held", async () => (await cam0(client)).slots.every(({ holders }) => holders.length === 0));
  });
}

story("consumers of one group share its frames, and another group gets them all", async (stage) => {
  await serve(stage);
  const clients = await Promise.all([stage.connect(), stage.connect(), stage.connect()]);
  const seen: number[][] = [[], [], []];
  const loops = clients.map(async (client, index) => {
    const pool = await client.pool("cam0");
    const group = index < 2 ? "workers" : "saver";
    try {
      for await (using frame of pool.frames({ group, policy: "block", deadlineMs: 20_000 })) seen[index]?.push(frame.data[0] ?? -1);
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
    return "over";
  });
  const client = await stage.connect();
  await consumers(client, 3);
  await using pool = await client.pool("cam0");
  const all = Array.from({ length: 100 }, (_, value) => value);
  for (const value of all) {
    using slot = await pool.produce();
    slot.data.fill(value);
    await slot.publish();
  }
  await eventually("all frames are delivered", async () => (await cam0(client)).groups.every(({ delivered }) => delivered === 100));
  await eventually("all frames are released", async () => (await cam0(client)).slots.every(({ state }) => state !== "reading"));
  await pool.remove();
  expect(await Promise.all(loops)).toEqual(["POOL_GONE", "POOL_GONE", "POOL_GONE"]);
  expect(seen[2]).toEqual(all);
  expect([...(seen[0] ?? []), ...(seen[1] ?? [])].sort((a, b) => a - b)).toEqual(all);
  expect(Math.min(seen[0]?.length ?? 0, seen[1]?.length ?? 0)).toBeGreaterThan(0);
});

story("a consumer reads on after the pool has been removed, and after the supervisor was killed", async (stage) => {
  const supervisor = await serve(stage);
  const client = await stage.connect();
  await using pool = await client.pool("cam0");
  const held: Frame[] = [];
  for (const value of [3, 4]) {
    const next = pool.frames().next();
    await consumers(client, held.length + 1);
    await publish(client, value);
    held.push(await frameOf(next));
  }
  await pool.remove();
  expect(readdirSync(shm(stage))).toEqual([]);
  const readable = () => held.map(({ data }) => [data[0], data[data.length - 1]]);
  expect(readable()).toEqual([
    [3, 3],
    [4, 4],
  ]);
  expect(await held.shift()?.release()).toBe(true);
  supervisor.kill("SIGKILL");
  await supervisor.ended();
  await eventually("the connection is lost", async () => (await client.request("ping", {}).catch(() => null)) === null);
  Bun.gc(true);
  expect(readable()).toEqual([[4, 4]]);
  const kept = held[0]?.data;
  expect(await held[0]?.release()).toBe(false);
  expect(kept).toHaveLength(0);
});

story("after kill -9 of the supervisor, the next one's frames come over the same objects", async (stage) => {
  const first = await serve(stage);
  const states: string[] = [];
  const client = await stage.connect({ reconnect: true, onConnection: (state) => states.push(state) });
  await using pool = await client.pool("cam0");
  const frames = pool.frames();
  const before = frames.next();
  await consumers(client, 1);
  const send = async (value: number) => {
    using slot = await pool.produce();
    slot.data.fill(value);
    await slot.publish();
  };
  await send(1);
  const old = await frameOf(before);
  const slot = await pool.produce();
  first.kill("SIGKILL");
  await first.ended();
  await serve(stage);
  await eventually("the connection is back", () => states.includes("back"));
  const next = frames.next();
  await consumers(client, 1);
  await expect(slot.publish()).rejects.toMatchObject({ code: "DISCONNECTED" });
  await send(2);
  const frame = await frameOf(next);
  expect([frame.data[0], frame.seq, old.data[0]]).toEqual([2, 1, 1]);
  expect(frame.epoch).not.toBe(old.epoch);
  expect(await old.release()).toBe(false);
  expect(await frame.release()).toBe(true);
  await eventually("the dead supervisor's file is not mapped any more", () => {
    const maps = readFileSync("/proc/self/maps", "utf8");
    return readdirSync(shm(stage)).length === 1 && !maps.includes(`cam0-${old.epoch.toString(16).padStart(12, "0")}`);
  });
});

/** A socket that passes on to the supervisor's what it is sent, until it is cut. To the supervisor its clients are this process, as the test itself is. */
async function relayOf(stage: Stage): Promise<{ socket: string; cut(): void }> {
  const socket = join(stage.folder, "relay.sock");
  const ends = new Set<Socket>();
  const cut = () => {
    for (const end of ends) end.destroy();
    ends.clear();
  };
  const relay = createServer((near) => {
    const far = createConnection(stage.socket);
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      ends.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => relay.listen(socket, resolve));
  stage.resources.defer(() => {
    cut();
    relay.close();
  });
  return { socket, cut };
}

story("a producer that was cut off frees its slots over its new connection", async (stage) => {
  await serve(stage);
  const states: string[] = [];
  const relay = await relayOf(stage);
  const client = await stage.connect({ socket: relay.socket, reconnect: true, onConnection: (state) => states.push(state) });
  const observer = await stage.connect();
  await using pool = await client.pool("cam0");
  const first = await pool.produce();
  const second = await pool.produce();
  // Its reply grants a third, which nobody has asked for yet.
  await first.publish();
  relay.cut();
  await eventually("the connection is back", () => states.includes("back"));
  const quarantined = async () => (await cam0(observer)).slots.filter(({ state }) => state === "quarantined").length;
  await eventually("the slot that nobody wrote to is free", async () => (await quarantined()) === 1);
  expect(second.data.fill(1)).toHaveLength(pool.layout.bytes);
  second[Symbol.dispose]();
  await eventually("the other one is free", async () => (await quarantined()) === 0);
});

test("views that are all that a program keeps stay readable, whatever ends and however the collector runs", async () => {
  const program = join(import.meta.dir, "frames-hammer.ts");
  const hammer = Bun.spawn([process.execPath, program], { stdout: "pipe", stderr: "inherit" });
  const [status, seen] = await Promise.all([hammer.exited, hammer.stdout.text()]);
  expect(status).toBe(0);
  const { wrong, most, left } = JSON.parse(seen);
  expect(wrong).toBe(0);
  // When the collector takes which one is its own affair.
  expect(left).toBeLessThan(most / 4);
}, 240_000);
