import { accessSync, constants, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { HoldfastError } from "../protocol/errors.ts";

/** What a file is called that is being written. */
const UNFINISHED = ".part";

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
   * A file has been written: it gets its name. An empty one goes.
   * @param unfinished the name under which it was written
   * @returns its size in bytes
   * @throws HoldfastError `SAVE_FAILED`
   */
  finish(unfinished: string, name = unfinished): number {
    return attempt(this.#limits.folder, () => {
      const path = this.unfinishedPath(unfinished);
      const size = this.unfinishedBytes(unfinished);
      if (size > 0) renameSync(path, join(this.#limits.folder, name));
      else rmSync(path, { force: true });
      return size;
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
