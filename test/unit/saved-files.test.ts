import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SavedFiles } from "../../src/cameras/saved-files.ts";
import { refusal } from "../refusal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const files = (camera = "front", limits = {}) => new SavedFiles(camera, { folder, maxBytes: null, maxAgeMs: null, ...limits });
/** A file of the camera `front`, as old as it says. */
function file(name: string, bytes: number, ageMs = 0): void {
  writeFileSync(join(folder, name), "x".repeat(bytes));
  utimesSync(join(folder, name), (Date.now() - ageMs) / 1000, (Date.now() - ageMs) / 1000);
}
const day = (number: number) => `front-2026-01-0${number}T00-00-00.000Z.mkv`;

test("a file has the time of its first frame in its name, and that name when it is finished", () => {
  const saved = files();
  const name = saved.nameAt(Date.UTC(2026, 0, 2, 3, 4, 5, 678), "mkv");
  expect(name).toBe("front-2026-01-02T03-04-05.678Z.mkv");
  writeFileSync(saved.unfinishedPath(name), "abc");
  expect(readdirSync(folder)).toEqual([`${name}.part`]);
  expect(saved.finish(name, saved.nameAt(Date.UTC(2026, 0, 3), "mkv"))).toBe(3);
  expect(readdirSync(folder)).toEqual(["front-2026-01-03T00-00-00.000Z.mkv"]);
});

test("no two files have one name, however soon they follow each other", () => {
  const saved = files();
  const names = Array.from({ length: 50 }, () => [saved.newName("mkv"), saved.nameAt(1000, "mkv")]);
  expect(new Set(names.map(([begun]) => begun)).size).toBe(50);
  expect(new Set(names.map(([, named]) => named)).size).toBe(50);
});

test("a file with nothing in it goes, and so does one that was never made", () => {
  const saved = files();
  writeFileSync(saved.unfinishedPath(day(1)), "");
  expect([saved.finish(day(1)), saved.finish(day(2))]).toEqual([0, 0]);
  expect(readdirSync(folder)).toEqual([]);
});

test("video in which no frame has come goes when it is finished, as does a picture of which a part is there", () => {
  const still = (number: number) => day(number).replace("mkv", "jpg");
  const [matroska, cluster] = ["1a45dfa3".padEnd(1000, "0"), "1f43b675"];
  const contents = { [day(1)]: matroska, [day(2)]: matroska + cluster, [still(3)]: "ffd8ffdb", [still(4)]: "ffd8ffdbffd9" };
  for (const [name, hex] of Object.entries(contents)) writeFileSync(join(folder, `${name}.part`), hex, "hex");
  const saved = files();
  saved.adopt();
  expect(readdirSync(folder).sort()).toEqual([day(2), still(4)]);
  writeFileSync(saved.unfinishedPath(day(5)), matroska, "hex");
  expect(saved.finish(day(5))).toBe(0);
  expect(readdirSync(folder).sort()).toEqual([day(2), still(4)]);
});

test("what a recorder has left unfinished gets its name when the next one begins; that of other cameras does not", () => {
  const others = ["frontal-2026-01-01T00-00-00.000Z.mkv.part", "front-door-2026-01-01T00-00-00.000Z.mkv.part", "front.part"];
  for (const name of [`${day(1)}.part`, ...others]) file(name, 4);
  files().adopt();
  expect(readdirSync(folder).sort()).toEqual([day(1), ...others].sort());
});

test("the oldest files go when all of them are too large, but nothing that is another's, or that is being written", () => {
  for (const number of [1, 2, 3]) file(day(number), 100);
  file("front-2025.mkv", 1000);
  const saved = files("front", { maxBytes: 250 });
  file(`front-2025-01-01T00-00-00.000Z.mkv.part`, 30);
  saved.prune(Date.now());
  expect(readdirSync(folder).sort()).toEqual(["front-2025-01-01T00-00-00.000Z.mkv.part", "front-2025.mkv", day(2), day(3)].sort());
});

test("files that are too old go", () => {
  file(day(1), 10, 60_000);
  file(day(2), 10, 1000);
  files("front", { maxAgeMs: 30_000 }).prune(Date.now());
  expect(readdirSync(folder)).toEqual([day(2)]);
  expect(readFileSync(join(folder, day(2)), "utf8")).toHaveLength(10);
});

test("what is no folder, or is not there, is said to be so", () => {
  file("plain", 1);
  for (const [name, reason] of [
    ["none", "no such file or directory"],
    ["plain", "it is no folder"],
  ] as const) {
    const limits = { folder: join(folder, name), maxBytes: null, maxAgeMs: null };
    const { code, message, details } = refusal(() => new SavedFiles("front", limits));
    expect([code, details["folder"]]).toEqual(["SAVE_FAILED", limits.folder]);
    expect(message).toBe(`nothing can be saved in ${limits.folder}: ${reason}`);
  }
});

const picture = Uint8Array.of(0xff, 0xd8, 0xff, 0xd9);
const noon = Date.UTC(2026, 0, 9, 12);

test("a picture is saved beside a recording, and what that is writing stays as it is", async () => {
  file(`${day(8)}.part`, 30);
  expect(await files().savePicture(picture, noon)).toBe(join(folder, "front-2026-01-09T12-00-00.000Z.jpg"));
  expect(readdirSync(folder).sort()).toEqual([`${day(8)}.part`, "front-2026-01-09T12-00-00.000Z.jpg"]);
});

test("pictures of one instant have names of their own, whoever saves them", async () => {
  const paths = [await files().savePicture(picture, noon), await files().savePicture(picture, noon)];
  expect(paths.map((path) => path.slice(-9))).toEqual([".000Z.jpg", ".001Z.jpg"]);
});

test("a picture that is being written is no recording's to take, and goes when nobody finishes it", () => {
  const [begun, abandoned] = ["front-2026-01-09T12-00-00.000Z.jpg.new", "front-2026-01-09T11-00-00.000Z.jpg.new"];
  file(begun, 10, 1000);
  file(abandoned, 10, 70_000);
  const saved = files("front", { maxBytes: 5, maxAgeMs: 500 });
  saved.adopt();
  expect(readdirSync(folder).sort()).toEqual([abandoned, begun]);
  saved.prune(Date.now());
  expect(readdirSync(folder)).toEqual([begun]);
});

test("a picture takes the place of the oldest files; one for which there never is room takes no one's", async () => {
  for (const number of [1, 2]) file(day(number), 100);
  await files("front", { maxBytes: 150 }).savePicture(picture, noon);
  expect(readdirSync(folder).sort()).toEqual([day(2), "front-2026-01-09T12-00-00.000Z.jpg"]);
  const failed = await files("front", { maxBytes: 3 })
    .savePicture(picture, noon)
    .catch((error) => error);
  expect(failed).toMatchObject({ code: "SAVE_FAILED", details: { folder } });
  expect(readdirSync(folder)).toHaveLength(2);
});

test("a picture that can't be written leaves nothing", async () => {
  const saved = files();
  rmSync(folder, { recursive: true });
  const failed = await saved.savePicture(picture, noon).catch((error) => error);
  expect(failed).toMatchObject({ code: "SAVE_FAILED", details: { folder } });
  mkdirSync(folder);
});
