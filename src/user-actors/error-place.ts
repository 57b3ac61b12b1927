import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where something is in a user's file. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The line itself, without what it is indented by; absent: the file can't be read any more. */
  readonly source?: string;
}

/** Where the library's own modules are: a folder, or, in a bundle, one file. In an executable they, and all that is served from it, are nowhere. */
const isBundled = !/\/user-actors\/error-place\.[jt]s$/.test(import.meta.url);
const ownModules = fileURLToPath(isBundled ? import.meta.url : new URL("..", import.meta.url));
const notTheirs = ["/node_modules/", "/$bunfs/", "node:"];

/** One entry of a stack: `at act (/srv/actors.d/door.ts:12:9)`, `at async file:///srv/actors.d/door.js:12:9`. */
const stackEntry = /(?:\(|at (?:async )?)((?:file:\/\/)?\/.*):(\d+):(\d+)\)?$/;

/** Where in the users' own files an error was thrown, or what threw it was called; null: nothing of them is in its stack. */
export function placeOf(thrown: unknown): Place | null {
  if (!(thrown instanceof Error) || thrown.stack === undefined) return null;
  for (const entry of thrown.stack.split("\n")) {
    const [, path = "", line, column] = stackEntry.exec(entry) ?? [];
    if (path === "" || notTheirs.some((part) => path.includes(part))) continue;
    const file = path.startsWith("file://") ? fileURLToPath(path) : path;
    if (!file.startsWith(ownModules)) return placeAt(file, Number(line), Number(column));
  }
  return null;
}

/** A place with its line. */
export function placeAt(file: string, line: number, column: number): Place {
  const source = lineOf(file, line);
  return source === undefined ? { file, line, column } : { file, line, column, source };
}

function lineOf(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, "utf8").split("\n")[line - 1]?.trim();
  } catch {
    return undefined;
  }
}
