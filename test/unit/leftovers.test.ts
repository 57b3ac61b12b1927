import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { FolderSharedMemory } from "../../src/frames/folder.ts";
import { formatOf } from "../../src/frames/format.ts";
import { poolFilesIn } from "../../src/frames/found-files.ts";
import { type ProcessIdentity, poolHeader } from "../../src/frames/header.ts";
import { fileName, MAGIC, poolLayout, poolWords } from "../../src/frames/layout.ts";
import { fateOf, ownIdentity, startOf } from "../../src/frames/process-identity.ts";

const raw = formatOf({ slots: 2, bytes: 1000 });
/** More than the kernel gives to a process (pid_max is at most 2²²). */
const NOBODY = 2 ** 22 + 1;
const own = ownIdentity();
const dead: ProcessIdentity = { ...own, pid: NOBODY };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file of a pool as a supervisor has begun it, and no further. */
function begun(supervisor: ProcessIdentity, epoch = 0xabc): string {
  const layout = poolLayout("cam0", folder, epoch, 2, raw);
  writeFileSync(layout.path, poolHeader(layout, supervisor));
  return layout.path;
}

const removed = () => new FolderSharedMemory(folder).removeLeftovers();

/** A program that makes a pool and lives on. */
const program = `
  const { FolderSharedMemory } = await import(${JSON.stringify(join(import.meta.dir, "../../src/frames/folder.ts"))});
  await new FolderSharedMemory(process.argv.at(-1)).reserve("cam0", 2, ${JSON.stringify(raw)});
  console.log("made");
  setInterval(() => {}, 1000);
`;

test("what a supervisor left that was killed is removed at the next start, and not before", async () => {
  const supervisor = Bun.spawn([process.execPath, "-e", program, folder], { stdout: "pipe", stderr: "inherit" });
  try {
    await supervisor.stdout.getReader().read();
    const [name = ""] = readdirSync(folder);
    expect(name).toMatch(/^holdfast-cam0-[0-9a-f]{12}$/);
    expect(removed()).toEqual([]);
    expect(poolFilesIn(folder)).toMatchObject([{ pool: "cam0", supervisorPid: supervisor.pid, supervisor: "lives" }]);
    supervisor.kill("SIGKILL");
    await supervisor.exited;
    expect(poolFilesIn(folder)).toMatchObject([{ path: join(folder, name), supervisor: "ended" }]);
    expect(removed()).toEqual([join(folder, name)]);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    supervisor.kill("SIGKILL");
  }
});

describe("a leftover is the file of a supervisor that lives no more", () => {
  test("even one that it had only begun", () => {
    const path = begun(dead);
    expect(removed()).toEqual([path]);
    expect(existsSync(path)).toBe(false);
  });

  test("even when another process has its number now", () => {
    const path = begun({ ...own, start: own.start - 1n });
    expect(removed()).toEqual([path]);
  });

  test("not one of a supervisor that lives", () => {
    begun(own);
    expect(removed()).toEqual([]);
  });

  test("not one of a supervisor in another container, whose number says nothing here", () => {
    begun({ ...dead, pidNamespace: 1n });
    expect(removed()).toEqual([]);
    expect(poolFilesIn(folder)).toMatchObject([{ supervisor: "unknown" }]);
  });

  test("all of them, and only them", () => {
    const left = [begun(dead, 1), begun(dead, 2), begun({ ...own, start: 0n }, 3)];
    const kept = [begun(own, 4), begun({ ...dead, pidNamespace: 1n }, 5)];
    expect([...removed()].sort()).toEqual(left);
    expect(readdirSync(folder).sort()).toEqual(kept.map((path) => basename(path)));
  });
});

describe("what only has the name of a pool's file is let be", () => {
  const name = fileName("cam0", 0xabc);
  const strangers: [what: string, make: (path: string) => void][] = [
    ["a file that begins otherwise", (path) => writeFileSync(path, Buffer.alloc(5000, 7))],
    ["a short file", (path) => writeFileSync(path, MAGIC)],
    ["a file of another version", (path) => writeFileSync(path, otherVersion())],
    ["a folder", (path) => mkdirSync(path)],
    ["a FIFO, which nobody waits for", (path) => expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0)],
    [
      "a link to a leftover",
      (path) => {
        writeFileSync(join(folder, "elsewhere"), readFileSync(begun(dead, 1)));
        rmSync(join(folder, fileName("cam0", 1)));
        symlinkSync(join(folder, "elsewhere"), path);
      },
    ],
  ];
  for (const [what, make] of strangers) {
    test(what, () => {
      make(join(folder, name));
      const before = readdirSync(folder).sort();
      expect(removed()).toEqual([]);
      expect(poolFilesIn(folder)).toEqual([]);
      expect(readdirSync(folder).sort()).toEqual(before);
    });
  }

  test("and a leftover by another name", () => {
    for (const other of ["cam0", "holdfast-cam0", `${name}0`, `x${name}`, "holdfast--000000000abc"]) {
      linkSync(begun(dead), join(folder, other));
      rmSync(join(folder, name));
      expect(removed()).toEqual([]);
      rmSync(join(folder, other));
    }
  });

  test("but an empty one goes: its supervisor was killed before it could name itself", () => {
    const path = join(folder, name);
    writeFileSync(path, "");
    expect(removed()).toEqual([path]);
  });

  function otherVersion(): Uint8Array {
    const bytes = poolHeader(poolLayout("cam0", folder, 1, 2, raw), dead);
    bytes[poolWords.version] = 99;
    return bytes;
  }
});

describe("what has become of a process", () => {
  test("this one lives", () => expect(fateOf(own)).toBe("lives"));
  test("nobody has ended", () => expect(fateOf(dead)).toBe("ended"));
  test("a header that names none says nothing", () => expect(fateOf({ ...own, pid: 0 })).toBe("unknown"));

  test("one that has ended has, before its parent has heard of it", async () => {
    // The shell becomes a program that never asks for the end of the child that it inherits.
    const parent = Bun.spawn(["sh", "-c", "sleep 0 & echo $!; exec sleep 1000"], { stdout: "pipe" });
    try {
      const { value } = await parent.stdout.getReader().read();
      const pid = Number(new TextDecoder().decode(value));
      const stat = () => readFileSync(`/proc/${pid}/stat`, "utf8");
      while (!/ Z /.test(stat())) await Bun.sleep(1);
      expect(fateOf({ ...own, pid, start: startOf(stat()) })).toBe("ended");
    } finally {
      parent.kill("SIGKILL");
    }
  });

  test("when it began is told apart from what its name looks like", () => {
    const rest = `S ${Array.from({ length: 18 }, (_, index) => index).join(" ")} 987654 1 2`;
    expect(startOf(`17 (a) b (c) ${rest}`)).toBe(987_654n);
  });
});
