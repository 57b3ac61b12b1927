import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { actorsIn } from "../../src/user-actors/actor-folder.ts";
import { fileVersions } from "../../src/user-actors/file-versions.ts";
import { refusal } from "../refusal.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A file that was written a while ago. @returns its path */
function write(name: string, text = ""): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  const thenSeconds = Date.now() / 1000 - 60;
  utimesSync(path, thenSeconds, thenSeconds);
  return path;
}

test("every module directly in the folder is an actor, by the order of names", () => {
  for (const name of ["b.js", "a.ts", "c.mjs", "a.test.ts", "a.d.ts", ".a.ts", "a.ts~", "notes.md", "4913"]) write(name);
  mkdirSync(join(folder, "lib.ts"));
  expect(actorsIn(folder)).toEqual([
    { name: "a", file: join(folder, "a.ts") },
    { name: "b", file: join(folder, "b.js") },
    { name: "c", file: join(folder, "c.mjs") },
  ]);
});

test("a link is the actor that it leads to; one that leads nowhere is told of when it is loaded, and keeps no other from being found", () => {
  symlinkSync(write("a.ts"), join(folder, "b.ts"));
  symlinkSync("nowhere.ts", join(folder, "c.ts"));
  symlinkSync("d.ts", join(folder, "d.ts"));
  expect(actorsIn(folder).map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
});

test("a folder that is not there, or is none, is a mistake of the configuration", () => {
  for (const path of [join(folder, "nowhere"), write("file")]) {
    const { code, details } = refusal(() => actorsIn(path));
    expect({ code, details }).toEqual({ code: "BAD_CONFIG", details: { key: "actors.folder" } });
  }
});

test("files are another version when they say something else, and not when they were only touched", () => {
  const files = [write("a.ts", "1"), write("b.ts", "2")];
  const before = fileVersions.begin()(files);
  write("a.ts", "1");
  expect(fileVersions.begin()(files)).toBe(before);
  write("b.ts", "3");
  expect(fileVersions.begin()(files)).not.toBe(before);
  write("b.ts", "2");
  expect(fileVersions.begin()(files)).toBe(before);
  rmSync(files[1] as string);
  expect(fileVersions.begin()(files)).not.toBe(before);
});

test("what is written while it is loaded is a version of its own: nobody knows which of the two was loaded", () => {
  const file = write("a.ts", "1");
  const versionOf = fileVersions.begin();
  writeFileSync(file, "2");
  const loaded = versionOf([file]);
  write("a.ts", "2");
  expect(fileVersions.begin()([file])).not.toBe(loaded);
});
