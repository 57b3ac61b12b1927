import { accessSync, constants, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { HoldfastError } from "../protocol/errors.ts";

/** What a file is called that is being written. */
const UNFINISHED = ".part";

/** What Matroska's files begin with, and every piece of them that has frames (RFC 9559, section 5.1). */
const MATROSKA = Buffer.from([0x1a, 0x45, 0xdf, 0xa3]);
const CLUSTER = Buffer.from([0x1f, 0x43, 0xb6, 0x75]);

/** More than the beginning of a file of video takes in which no frame has come, in bytes. */
const LONGEST_BEGINNING = 4096;

/** What a JPEG picture ends with: EOI (ITU-T T.81). */
const END_OF_PICTURE = Buffer.from([0xff, 0xd9]);

/** How many files there may be of a camera. */
export interface SavedLimits {
  readonly folder: string;
  /** Of all files together; null: no limit. */
  readonly maxBytes: number | null;
  /** Of a file; null: no limit. */
  readonly maxAgeMs: number | null;
}

/** The files of one camera in a folder: `front-2026-11-21T20-15-00.250Z.mkv`. Others that lie there are left alone. */
export class SavedFiles {
  readonly #camera: string;
  readonly #limits: SavedLimits;
  readonly #own: RegExp;
  /** Several files may be begun, or finished, in one millisecond. */
  #lastNamedMs = 0;
  #lastNewMs = 0;

  /**
   * Files that were not finished are given their names: what is in them can be read.
   * @throws HoldfastError `SAVE_FAILED`: there is no such folder, or nothing may be written to it
   */
  constructor(camera: string, limits: SavedLimits) {
    this.#camera = camera;
    this.#limits = limits;
    const name = camera.replace(/[.]/g, "\\$&");
    this.#own = new RegExp(`^${name}-\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\d-\\d\\d\\.\\d{3}Z\\.(?:mkv|jpg)(?:\\${UNFINISHED})?$`);
    attempt(limits.folder, () => {
      accessSync(limits.folder, constants.W_OK | constants.X_OK);
      for (const file of this.#files()) if (file.endsWith(UNFINISHED)) this.finish(file.slice(0, -UNFINISHED.length));
    });
  }

  /** The name of a file that begins with a frame that was captured then, and of no other one. @param atMs since 1970, later than the one before */
  nameAt(atMs: number, ending: "mkv" | "jpg"): string {
    this.#lastNamedMs = Math.max(Math.floor(atMs), this.#lastNamedMs + 1);
    return this.#nameOf(this.#lastNamedMs, ending);
  }

  /** A name for a file that is yet to be written. */
  newName(ending: "mkv" | "jpg"): string {
    this.#lastNewMs = Math.max(Date.now(), this.#lastNewMs + 1);
    return this.#nameOf(this.#lastNewMs, ending);
  }

  /** Where a file is written to before it is finished. */
  unfinishedPath(name: string): string {
    return join(this.#limits.folder, name + UNFINISHED);
  }

  /** How much has been written to a file that is not finished, in bytes. */
  unfinishedBytes(name: string): number {
    return statSync(this.unfinishedPath(name), { throwIfNoEntry: false })?.size ?? 0;
  }

  /**
   * A file has been written: it gets its name. One with nothing to see goes: an empty one, video without frames, a part of a picture.
   * @param unfinished the name under which it was written
   * @returns its size in bytes; 0: it has gone
   * @throws HoldfastError `SAVE_FAILED`
   */
  finish(unfinished: string, name = unfinished): number {
    return attempt(this.#limits.folder, () => {
      const path = this.unfinishedPath(unfinished);
      const size = this.unfinishedBytes(unfinished);
      const isOfUse = size > 0 && hasPicture(path, size);
      if (isOfUse) renameSync(path, join(this.#limits.folder, name));
      else rmSync(path, { force: true });
      return isOfUse ? size : 0;
    });
  }

  /** Removes the oldest files, until the rest is within the limits. @throws HoldfastError `SAVE_FAILED` */
  prune(nowMs: number): void {
    const { folder, maxBytes, maxAgeMs } = this.#limits;
    attempt(folder, () => {
      // Their names are in the order of time.
      const files = this.#files()
        .sort()
        .map((name) => ({ path: join(folder, name), ...sizeAndAge(join(folder, name)) }));
      let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      for (const { path, bytes: own, changedMs } of files) {
        const isTooOld = maxAgeMs !== null && nowMs - changedMs > maxAgeMs;
        const areTooMany = maxBytes !== null && bytes > maxBytes;
        if (path.endsWith(UNFINISHED) || !(isTooOld || areTooMany)) continue;
        rmSync(path, { force: true });
        bytes -= own;
      }
    });
  }

  #nameOf(ms: number, ending: "mkv" | "jpg"): string {
    return `${this.#camera}-${new Date(ms).toISOString().replace(/:/g, "-")}.${ending}`;
  }

  #files(): string[] {
    return readdirSync(this.#limits.folder).filter((name) => this.#own.test(name));
  }
}

/** Whether a file that was written, perhaps not to its end, has anything to see. */
function hasPicture(path: string, bytes: number): boolean {
  if (path.endsWith(`.jpg${UNFINISHED}`)) return readFileSync(path).subarray(-END_OF_PICTURE.length).equals(END_OF_PICTURE);
  if (bytes > LONGEST_BEGINNING) return true;
  const written = readFileSync(path);
  return !written.subarray(0, MATROSKA.length).equals(MATROSKA) || written.includes(CLUSTER);
}

function sizeAndAge(path: string): { readonly bytes: number; readonly changedMs: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  return { bytes: stat?.size ?? 0, changedMs: stat?.mtimeMs ?? 0 };
}

function attempt<T>(folder: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw notSaved(folder, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** What a recording fails with. */
export function notSaved(folder: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError("SAVE_FAILED", `nothing can be saved in ${folder}: ${why}`, { folder }, { cause });
}
