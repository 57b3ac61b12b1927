import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_FOLDER, FolderSharedMemory, memoryFailed } from "../../src/frames/folder.ts";
import { formatOf } from "../../src/frames/format.ts";
import { readPoolHeader } from "../../src/frames/header.ts";
import { fileLayout } from "../../src/frames/layout.ts";
import type { PoolMemory, SlotWords } from "../../src/frames/memory.ts";
import { availableBytes, groupFreeBytes, roomIn } from "../../src/frames/room.ts";
import { gpioGroup } from "../../src/gpio-group.ts";
import { conformsAsSharedMemory } from "../conformance/shared-memory.ts";

const slots = 2;
const raw = formatOf({ slots, bytes: 100_000 });
const words: SlotWords = { generation: 1, state: "writing", lease: 1, ownerPid: 1, readers: 0 };

/** A folder in memory, where there is one. */
function temporaryFolder(): string {
  try {
    return mkdtempSync(join(DEFAULT_FOLDER, "holdfast-test-"));
  } catch {
    return mkdtempSync(join(tmpdir(), "holdfast-test-"));
  }
}

/** What this process has open in a folder. */
function openIn(folder: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [fd] : [];
    } catch {
      return [];
    }
  });
}

conformsAsSharedMemory("shared memory in a folder", () => {
  const folder = temporaryFolder();
  const opened = new Map<PoolMemory, number>();
  return {
    memory: new FolderSharedMemory(folder),
    paths: () => readdirSync(folder).map((name) => join(folder, name)),
    headers: (pool) => {
      const fd = opened.get(pool) ?? openSync(pool.layout.path, "r");
      opened.set(pool, fd);
      const bytes = new Uint8Array(pool.layout.payloadOffset);
      readSync(fd, bytes, 0, bytes.byteLength, 0);
      return bytes;
    },
    delete: (path) => rmSync(path),
    close: () => {
      for (const fd of opened.values()) closeSync(fd);
      expect(openIn(folder)).toEqual([]);
      rmSync(folder, { recursive: true });
    },
  };
});

describe("the file of a pool", () => {
  let folder: string;
  let memory: FolderSharedMemory;
  beforeAll(() => {
    folder = temporaryFolder();
    memory = new FolderSharedMemory(folder);
  });
  afterEach(() => expect([readdirSync(folder), openIn(folder)]).toEqual([[], []]));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is for its owner and group, whatever the umask", async () => {
    const before = process.umask(0o777);
    const pool = await memory.reserve("cam0", slots, raw).finally(() => process.umask(before));
    const { mode, gid } = statSync(pool.layout.path);
    expect((mode & 0o7777).toString(8)).toBe("660");
    expect(gid).toBe(gpioGroup() ?? process.getgid?.() ?? 0);
    pool.remove();
  });

  test("has all of its memory from the start", async () => {
    const pool = await memory.reserve("cam0", slots, raw);
    const { size, blocks } = statSync(pool.layout.path);
    expect(size).toBe(fileLayout(slots, raw.bytes).fileBytes);
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
    pool.remove();
  });

  test("is made bit by bit: the program goes on meanwhile", async () => {
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    const pool = await memory.reserve("cam0", slots, formatOf({ slots, bytes: 32 * 2 ** 20 }));
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(3);
    pool.remove();
  });

  test("says which process made it", async () => {
    const pool = await memory.reserve("cam0", slots, raw);
    const header = readPoolHeader(readFileSync(pool.layout.path));
    expect(header?.supervisor.pid).toBe(process.pid);
    expect(header?.supervisor.pidNamespace).toBe(BigInt(/\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? 0));
    pool.remove();
  });

  test("is not handed on to the programs that this one starts", async () => {
    const pool = await memory.reserve("cam0", slots, raw);
    const [fd = ""] = openIn(folder);
    const flags = Number.parseInt(/^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8);
    expect(flags & 0o2000000).toBe(0o2000000);
    pool.remove();
  });

  test("may be cut by who can write to it: that is seen, and ends nobody", async () => {
    for (const bytes of [0, 5000, 1_000_000]) {
      const pool = await memory.reserve("cam0", slots, raw);
      truncateSync(pool.layout.path, bytes);
      pool.mirror(1, words);
      pool.describe(1, { seq: 1, timestampNs: 0n, publishedNs: 0n, bytes: 1 });
      expect(pool.present()).toBe(false);
      pool.remove();
    }
  });

  test("is not what has taken its path, and that is not deleted", async () => {
    const pool = await memory.reserve("cam0", slots, raw);
    const { path } = pool.layout;
    const elsewhere = `${path}-moved`;
    renameSync(path, elsewhere);
    writeFileSync(path, "somebody's");
    expect(pool.present()).toBe(false);
    pool.remove();
    expect(readFileSync(path, "utf8")).toBe("somebody's");
    rmSync(path);
    rmSync(elsewhere);
  });

  test("is not what a link at its path leads to", async () => {
    const pool = await memory.reserve("cam0", slots, raw);
    const { path } = pool.layout;
    renameSync(path, `${path}-moved`);
    symlinkSync(`${path}-moved`, path);
    expect(pool.present()).toBe(false);
    rmSync(path);
    rmSync(`${path}-moved`);
    pool.remove();
  });

  test("several are made one after the other, and one that is refused stops none", async () => {
    const huge = formatOf({ slots: 1024, bytes: 2 ** 30 });
    const all = await Promise.allSettled([
      memory.reserve("a", slots, raw),
      memory.reserve("big", 1024, huge),
      memory.reserve("b", slots, raw),
    ]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    for (const each of all) if (each.status === "fulfilled") each.value.remove();
  });
});

/** A program that makes a pool while others take the room for it. */
const racer = `
  const { FolderSharedMemory } = await import(${JSON.stringify(join(import.meta.dir, "../../src/frames/folder.ts"))});
  const { readdirSync, writeFileSync } = await import("node:fs");
  const folder = process.argv.at(-1);
  const made = new FolderSharedMemory(folder).reserve("cam0", 2, ${JSON.stringify(formatOf({ slots, bytes: 5_000_000 }))});
  await Promise.resolve();
  await Promise.resolve();
  writeFileSync(folder + "/other", Buffer.alloc(8_000_000));
  await made.catch(({ code, message }) => console.log(code, message));
  console.log(readdirSync(folder).join());
`;

/** Makes a small file system that nobody else sees. */
const inSmallMemory = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"];
const mounting = 'mount -t tmpfs -o size=12m none "$2" && exec "$0" -e "$1" "$2"';

test.if(Bun.spawnSync([...inSmallMemory, 'mount -t tmpfs none "$0"', tmpdir()]).exitCode === 0)(
  "a folder that fills up while a pool is made: refused, and nothing of it stays",
  () => {
    const folder = temporaryFolder();
    try {
      const ran = Bun.spawnSync([...inSmallMemory, mounting, process.execPath, racer, folder]);
      expect(ran.stderr.toString()).toBe("");
      const message = `pool cam0 needs 10.0 MB of shared memory and ${folder} has \\d\\.\\d MB free`;
      expect(ran.stdout.toString()).toMatch(new RegExp(`^MEMORY_FULL ${message}\nother\n$`));
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

describe("a folder that can't be used", () => {
  let folder: string;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("does not exist", async () => {
    const path = join(folder, "none");
    await expect(new FolderSharedMemory(path).reserve("cam0", slots, raw)).rejects.toMatchObject({
      code: "MEMORY_FAILED",
      message: expect.stringContaining(`can't be made in ${path}`),
      details: { pool: "cam0", path, reason: "ENOENT" },
    });
    expect(new FolderSharedMemory(path).removeLeftovers()).toEqual([]);
  });

  test("is a file", async () => {
    const path = join(folder, "file");
    writeFileSync(path, "");
    await expect(new FolderSharedMemory(path).reserve("cam0", slots, raw)).rejects.toMatchObject({ code: "MEMORY_FAILED" });
    expect(new FolderSharedMemory(path).removeLeftovers()).toEqual([]);
  });

  const reasons: [reason: string, code: string, remedy: string][] = [
    ["EROFS", "MEMORY_FAILED", "name a folder that can be written to"],
    ["EACCES", "PERMISSION_DENIED", "name a folder that this user may write to"],
    ["EPERM", "PERMISSION_DENIED", "name a folder that this user may write to"],
    ["EIO", "MEMORY_FAILED", "name another folder"],
  ];
  for (const [reason, code, remedy] of reasons) {
    test(`says ${reason}`, () => {
      const error = memoryFailed(Object.assign(new Error(`${reason}: no`), { code: reason }), "cam0", "/dev/shm");
      expect(error.code).toBe(code as never);
      expect(error.message).toStartWith(`the file of pool cam0 can't be made in /dev/shm: ${reason}: no; ${remedy}`);
      expect(error.details).toEqual({ pool: "cam0", path: "/dev/shm", reason });
    });
  }
});

test("Node makes and removes the same files", async () => {
  const folder = temporaryFolder();
  try {
    const bundle = await Bun.build({ entrypoints: [join(import.meta.dir, "../../src/frames/folder.ts")], target: "node" });
    const program = `${await bundle.outputs[0]?.text()}
      const pool = await new FolderSharedMemory(process.argv[1]).reserve("cam0", 2, ${JSON.stringify(raw)});
      pool.mirror(1, { generation: 1, state: "writing", lease: 7, ownerPid: 1, readers: 0 });
      const words = new Uint8Array(await (await import("node:fs/promises")).readFile(pool.layout.path));
      console.log(pool.present(), words.length, words[4096 + 128], words[4096 + 128 + 8]);
      pool.remove();
      console.log(pool.present());`;
    const node = Bun.spawnSync(["node", "--input-type=module", "-e", program, folder]);
    const { fileBytes } = fileLayout(slots, raw.bytes);
    expect([node.stdout.toString(), node.stderr.toString()]).toEqual([`true ${fileBytes} 1 7\nfalse\n`, ""]);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("the room that there is", () => {
  test("is what the folder's file system has, at most", () => {
    const { freeBytes, has } = roomIn("/");
    expect(has).toBe("/ has");
    expect(freeBytes).toBeGreaterThan(0);
  });

  test("is the memory that the machine has available", () => {
    expect(availableBytes("MemTotal:        1000 kB\nMemFree:          1 kB\nMemAvailable:    500 kB\n")).toBe(512_000);
    expect(availableBytes("")).toBe(Number.POSITIVE_INFINITY);
  });

  test("is what the control group may still have, its cache of files counted as free", () => {
    const stat = "anon 5\nfile 90\nshmem 50\ninactive_file 30\nactive_file 10\nslab 7\n";
    expect(groupFreeBytes("1000\n", "900\n", stat)).toBe(140);
    expect(groupFreeBytes("max\n", "900\n", stat)).toBe(Number.POSITIVE_INFINITY);
    expect(groupFreeBytes("", "", "")).toBe(Number.POSITIVE_INFINITY);
  });
});
