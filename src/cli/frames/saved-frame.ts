import { randomBytes } from "node:crypto";
import { lstat, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { HoldfastError } from "../../protocol/errors.ts";
import type { PoolLayout } from "../../protocol/replies.ts";
import { FileFailed } from "../failure.ts";
import { type Image, imageOf } from "./image.ts";
import { pixelFormatOf } from "./pixels.ts";

/** A frame as it is saved, taken out of its slot. */
export interface SavedFrame {
  readonly path: string;
  /** The contents of the file. */
  readonly bytes: () => Uint8Array;
}

/** Takes what is to be saved of a frame out of its slot, which may be released then. */
export type TakeFrame = (frame: { readonly data: Uint8Array; readonly seq: number }) => SavedFrame;

const jpegs = ["JPEG", "MJPG"];

/**
 * How the frames of a pool are saved under names such as `out-%05d.png`.
 * @param typed how an error names the pattern
 * @throws HoldfastError `BAD_FIELD` when files of that name can't be made of such frames
 */
export async function frameSaver(pattern: string, layout: PoolLayout, typed = `--save ${pattern}`): Promise<TakeFrame> {
  const { pool, fourcc, planes, width, height } = layout;
  const refusal = (message: string) => new HoldfastError("BAD_FIELD", `${typed}: ${message}`, { field: "save" });
  const pathOf = fileNames(pattern);
  const ending = extname(pattern).toLowerCase();
  if (ending === ".raw") return ({ data, seq }) => copied(pathOf(seq), data);
  if (ending === ".jpg" || ending === ".jpeg") {
    if (!jpegs.includes(fourcc)) throw refusal(`the frames of pool ${pool} are ${fourcc}, and no JPEG: save them as .png or .raw`);
    return ({ data, seq }) => copied(pathOf(seq), data);
  }
  if (ending !== ".png") throw refusal("the name ends in .png, .jpg (JPEG, MJPG) or .raw");
  const format = pixelFormatOf(layout);
  if (format === undefined || width === null || height === null) {
    throw refusal(`no picture can be made of ${fourcc}, which pool ${pool} has: save it as ${jpegs.includes(fourcc) ? ".jpg" : ".raw"}`);
  }
  const { encode } = await import("fast-png");
  return ({ data, seq }) => {
    const image: Image = imageOf({ data, planes }, format, width, height);
    return { path: pathOf(seq), bytes: () => encode(image) };
  };
}

function copied(path: string, data: Uint8Array): SavedFrame {
  const copy = data.slice();
  return { path, bytes: () => copy };
}

/**
 * The file's name for each number: `%d` or, with leading zeros, `%05d` becomes it. A pattern without is one file, which shows the newest frame.
 * @throws HoldfastError `BAD_FIELD`
 */
export function fileNames(pattern: string): (seq: number) => string {
  const [before = "", digits = "", after, ...more] = pattern.split(/%(0[1-9]\d?|)d/);
  const fixed = [before, after ?? ""].some((part) => part.includes("%"));
  if (more.length > 0 || fixed || pattern.endsWith("/")) {
    throw new HoldfastError("BAD_FIELD", `--save ${pattern}: a name has one %d or %05d at most, and no other %`, { field: "save" });
  }
  return (seq) => (after === undefined ? pattern : `${before}${String(seq).padStart(Number(digits), "0")}${after}`);
}

/**
 * Writes a frame to its file, which is whole as soon as it is there; a link is followed. What is no plain file, as a pipe, is written to.
 * @throws FileFailed
 */
export async function save({ path, bytes }: SavedFrame): Promise<void> {
  const contents = bytes();
  try {
    const place = await replaceable(path);
    await (place === null ? writeFile(path, contents) : replace(place, contents));
  } catch (cause) {
    throw new FileFailed(`${path} can't be written`, cause);
  }
}

/** Where a file may be put in the place of what is there; null: what is there is to be written to. */
async function replaceable(path: string): Promise<string | null> {
  try {
    return (await stat(path)).isFile() ? await realpath(path) : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // A link that leads nowhere makes a file where it leads.
    return (await lstat(path).catch(() => null)) === null ? path : null;
  }
}

async function replace(path: string, contents: Uint8Array): Promise<void> {
  const unfinished = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString("hex")}`);
  try {
    await writeFile(unfinished, contents, { flag: "wx" });
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw error;
  }
}
