import { closeSync, constants as fsConstants, fstatSync, lstatSync, openSync, readdirSync, readSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { type PoolHeader, readPoolHeader } from "./header.ts";
import { FILE_NAME, poolWords } from "./layout.ts";
import { type Fate, fateOf } from "./process-identity.ts";

/** The file of a pool, found in a folder. */
export interface FoundFile {
  readonly path: string;
  readonly pool: string;
  readonly fileBytes: number;
  /** Of the process that made it. */
  readonly supervisorPid: number;
  /** What has become of that process. */
  readonly supervisor: Fate;
}

/**
 * The files of pools in a folder. What only has such a name, vanishes meanwhile or may not be read is passed over.
 * @throws what the file system says of the folder
 */
export function poolFilesIn(folder: string): readonly FoundFile[] {
  return pathsIn(folder).flatMap((path) => {
    const { header, fileBytes } = lookAt(path) ?? { header: null, fileBytes: 0 };
    if (header === null) return [];
    const { pid } = header.supervisor;
    return { path, pool: header.name, fileBytes, supervisorPid: pid, supervisor: fateOf(header.supervisor) };
  });
}

/**
 * Deletes the files in a folder whose supervisors live no more. Never throws; what can't be deleted stays.
 * @returns the paths of those deleted
 */
export function removeLeftovers(folder: string): readonly string[] {
  try {
    return pathsIn(folder).filter(removeIfLeft);
  } catch {
    return [];
  }
}

/** What has the name of a pool's file. @throws what the file system says of the folder */
function pathsIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => FILE_NAME.test(name))
    .map((name) => join(folder, name));
}

/** @returns whether the file was a leftover, and has been deleted */
function removeIfLeft(path: string): boolean {
  try {
    const file = lookAt(path);
    if (file === null || !isLeft(file)) return false;
    // What has taken its place meanwhile is not what was looked at.
    const { ino, dev } = lstatSync(path, { bigint: true });
    if (ino !== file.ino || dev !== file.dev) return false;
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * An empty file is of a supervisor that was killed before it could name itself. One that lives does so in the same moment; should its file
 * be taken for a leftover all the same, its pool gets another, as whenever somebody deletes one.
 */
function isLeft({ header, fileBytes }: Look): boolean {
  return header === null ? fileBytes === 0 : fateOf(header.supervisor) === "ended";
}

interface Look {
  readonly ino: bigint;
  readonly dev: bigint;
  readonly fileBytes: number;
  /** Null: it is no pool's, or of a version that we do not know. */
  readonly header: PoolHeader | null;
}

/** Null: it is no plain file, has gone, or may not be read. Neither a link is followed nor a FIFO waited for. */
function lookAt(path: string): Look | null {
  let fd: number;
  try {
    fd = openSync(path, fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW | fsConstants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) return null;
    const bytes = new Uint8Array(poolWords.end);
    const length = readSync(fd, bytes, 0, bytes.byteLength, 0);
    const header = readPoolHeader(bytes.subarray(0, length));
    return { ino: stat.ino, dev: stat.dev, fileBytes: Number(stat.size), header };
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
