import { accessSync, constants, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError } from "../protocol/errors.ts";

/** What a file of a recording is called that is being written, and a picture that is no part of one. */
const UNFINISHED = ".part";
const UNFINISHED_PICTURE = ".new";

/** A picture that has not been finished for so long never will be, in ms: its process has ended. */
const ABANDONED_MS = 60_000;

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

  /** @throws HoldfastError `SAVE_FAILED`: there is no such folder, or nothing may be written to it */
  constructor(camera: string, limits: SavedLimits) {
    this.#camera = camera;
    this.#limits = limits;
    const name = camera.replace(/[.]/g, "\\$&");
    this.#own = new RegExp(
      `^${name}-\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\d-\\d\\d\\.\\d{3}Z\\.(?:mkv|jpg)(?:\\${UNFINISHED}|\\${UNFINISHED_PICTURE})?$`,
    );
    attempt(limits.folder, () => {
      if (!statSync(limits.folder).isDirectory()) throw new Error("it is no folder");
      accessSync(limits.folder, constants.W_OK | constants.X_OK);
    });
  }

  /**
   * What a recording that has ended has not finished is given its name: what is in it can be read. It is for the recording that begins
   * then, and for nobody else.
   * @throws HoldfastError `SAVE_FAILED`
   */
  adopt(): void {
    attempt(this.#limits.folder, () => {
      for (const file of this.#files()) if (file.endsWith(UNFINISHED)) this.finish(file.slice(0, -UNFINISHED.length));
    });
  }

  /** The name of a file that begins with a frame that was captured then, and of no other one. @param atMs since 1970, later than the one before */
  nameAt(atMs: number, ending: "mkv" | "jpg"): string {
    this.#lastNamedMs = Math.max(Math.floor(atMs), this.#lastNamedMs + 1);
    // The clock on the wall may have been put back, and pictures are saved beside a recording.
    while (existsSync(this.#pathOf(this.#nameOf(this.#lastNamedMs, ending)))) this.#lastNamedMs += 1;
    return this.#nameOf(this.#lastNamedMs, ending);
  }

  /** A name for a file that is yet to be written. */
  newName(ending: "mkv" | "jpg"): string {
    this.#lastNewMs = Math.max(Date.now(), this.#lastNewMs + 1);
    return this.#nameOf(this.#lastNewMs, ending);
  }

  /** Where a file is written to before it is finished. */
  unfinishedPath(name: string): string {
    return this.#pathOf(name + UNFINISHED);
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
      if (isOfUse) renameSync(path, this.#pathOf(name));
      else rmSync(path, { force: true });
      return isOfUse ? size : 0;
    });
  }

  /**
   * Saves a picture that is no part of a recording, and makes room for it where there is to be no more.
   * @param atMs when it was captured, since 1970
   * @returns its path
   * @throws HoldfastError `SAVE_FAILED`; nothing of it is there then
   */
  async savePicture(data: Uint8Array, atMs: number): Promise<string> {
    const { folder, maxBytes } = this.#limits;
    if (maxBytes !== null && data.length > maxBytes) {
      throw notSaved(folder, `the picture has ${data.length} bytes, and all files together may have ${maxBytes} (maxBytes)`);
    }
    const path = this.#pathOf(this.nameAt(atMs, "jpg"));
    const unfinished = path + UNFINISHED_PICTURE;
    try {
      await writeFile(unfinished, data);
      this.prune(Date.now());
      renameSync(unfinished, path);
    } catch (cause) {
      rmSync(unfinished, { force: true });
      throw cause instanceof HoldfastError ? cause : notSaved(folder, (cause as Error).message, cause);
    }
    return path;
  }

  /** Removes the oldest files, until the rest is within the limits. @throws HoldfastError `SAVE_FAILED` */
  prune(nowMs: number): void {
    const { folder, maxBytes, maxAgeMs } = this.#limits;
    attempt(folder, () => {
      // Their names are in the order of time.
      const files = this.#files()
        .sort()
        .map((name) => ({ path: this.#pathOf(name), ...sizeAndAge(this.#pathOf(name)) }));
      let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      for (const { path, bytes: own, changedMs } of files) {
        const isTooOld = maxAgeMs !== null && nowMs - changedMs > maxAgeMs;
        const areTooMany = maxBytes !== null && bytes > maxBytes;
        const isAbandoned = path.endsWith(UNFINISHED_PICTURE) && nowMs - changedMs > ABANDONED_MS;
        const isFinished = !path.endsWith(UNFINISHED) && !path.endsWith(UNFINISHED_PICTURE);
        if (!isAbandoned && !(isFinished && (isTooOld || areTooMany))) continue;
        rmSync(path, { force: true });
        bytes -= own;
      }
    });
  }

  #nameOf(ms: number, ending: "mkv" | "jpg"): string {
    return `${this.#camera}-${new Date(ms).toISOString().replace(/:/g, "-")}.${ending}`;
  }

  #pathOf(name: string): string {
    return join(this.#limits.folder, name);
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
  // Without what Node says beside the reason: `EACCES: permission denied, open '/srv/video/…'`.
  const reason = why.replace(/^E[A-Z]+: (.*?), \w+(?: '.*)?$/s, "$1");
  return new HoldfastError("SAVE_FAILED", `nothing can be saved in ${folder}: ${reason}`, { folder }, { cause });
}
