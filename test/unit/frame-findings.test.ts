import { describe, expect, test } from "bun:test";
import { leftoversFinding, removalFinding, removesIpc, roomFinding } from "../../src/cli/frame-findings.ts";
import type { FoundFile } from "../../src/frames/found-files.ts";
import type { Fate } from "../../src/frames/process-identity.ts";

const FOLDER = "/dev/shm";
const ada = { name: "ada", uid: 1000 };

describe("room for pools", () => {
  test("is enough", () => {
    expect(roomFinding(FOLDER, { has: "/dev/shm has", freeBytes: 1e9 })).toEqual({
      subject: FOLDER,
      verdict: "ok",
      finding: "/dev/shm has 1.0 GB free for pools of frames",
    });
  });

  test("is not enough for one camera: says what a pool takes, and how to get more", () => {
    const found = roomFinding(FOLDER, { has: "/dev/shm has", freeBytes: 12e6 });
    expect(found).toMatchObject({ verdict: "warn", remedy: expect.stringContaining("--shm-size") });
    expect(found.finding).toBe("/dev/shm has 12.0 MB free for pools of frames; 6 pictures of 1920x1080 without compression take 37.4 MB");
  });
});

describe("files that supervisors left", () => {
  const file = (supervisor: Fate, pool: string): FoundFile => ({
    path: `${FOLDER}/holdfast-${pool}-00000000abcd`,
    pool,
    fileBytes: 2e6,
    supervisorPid: 7,
    supervisor,
  });

  test("are none when there are none, or when theirs lives", () => {
    for (const files of [[], [file("lives", "a")]])
      expect(leftoversFinding(FOLDER, files)).toMatchObject({ subject: FOLDER, verdict: "ok" });
  });

  test("are counted, and go at the next start", () => {
    expect(leftoversFinding(FOLDER, [file("ended", "a"), file("lives", "b"), file("ended", "c"), file("unknown", "d")])).toEqual({
      subject: FOLDER,
      verdict: "warn",
      finding: "2 files of 4.0 MB left by a supervisor that has been killed",
      remedy: "The next `holdfast serve` that uses this folder removes them",
    });
  });

  test("of another container are a person's to judge", () => {
    expect(leftoversFinding(FOLDER, [file("unknown", "d")])).toMatchObject({
      verdict: "warn",
      finding: "a file of 2.0 MB of a supervisor that can't be seen from here, as in another container",
      remedy: "If none runs there any more: rm /dev/shm/holdfast-d-00000000abcd",
    });
  });
});

describe("logging out", () => {
  test("deletes the pools of an ordinary user's supervisor, and there are three ways out", () => {
    const [found] = removalFinding(FOLDER, ada, false, true);
    expect(found).toMatchObject({ subject: "logout", verdict: "warn" });
    for (const way of ["system service", "loginctl enable-linger ada", "RemoveIPC=no"]) expect(found?.remedy).toContain(way);
  });

  test("does not when the user lingers, or when it is so configured", () => {
    expect(removalFinding(FOLDER, ada, true, true)).toMatchObject([{ verdict: "ok" }]);
    expect(removalFinding(FOLDER, ada, false, false)).toMatchObject([{ verdict: "ok" }]);
  });

  test("is of no importance to a system user, or in another folder", () => {
    for (const uid of [0, 999]) expect(removalFinding(FOLDER, { name: "service", uid }, false, true)).toEqual([]);
    for (const folder of ["/run/holdfast", "/dev/shmem"]) expect(removalFinding(folder, ada, false, true)).toEqual([]);
    expect(removalFinding("/dev/shm/frames", ada, false, true)).toMatchObject([{ verdict: "warn" }]);
  });

  test("deletes unless logind's settings say no; the last one counts", () => {
    const settings: [texts: string[], removes: boolean][] = [
      [[], true],
      [["[Login]\n#RemoveIPC=no\n"], true],
      [["[Login]\nRemoveIPC=no\n"], false],
      [["[Login]\n  RemoveIPC = No \n"], false],
      [["RemoveIPC=no", "RemoveIPC=yes"], true],
      [["RemoveIPC=yes", "RemoveIPC=false"], false],
      [["RemoveIPC=0\nKillUserProcesses=yes"], false],
      [["KillUserProcesses=no"], true],
    ];
    for (const [texts, removes] of settings) expect([texts, removesIpc(texts)]).toEqual([texts, removes]);
  });
});
