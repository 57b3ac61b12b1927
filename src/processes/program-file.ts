import { accessSync, constants, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { HoldfastError } from "../protocol/errors.ts";
import type { ProcessSpec } from "./process-host.ts";

/** Where programs are looked for without PATH, as shells do it. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/**
 * Whether what is to be run is there, and where.
 * @param path the PATH that it is to run with
 * @throws HoldfastError `PROGRAM_MISSING` with the `program` or the `directory`
 */
export function assertRunnable({ command: [program = ""], directory }: ProcessSpec, path: string = DEFAULT_PATH): void {
  if (directory !== undefined && !isFolder(directory)) {
    throw new HoldfastError("PROGRAM_MISSING", `the folder ${directory} is not there`, { directory });
  }
  const places = program.includes("/")
    ? [resolve(directory ?? "", program)]
    : path.split(":").map((folder) => join(folder || ".", program));
  const found = places.filter(isFile);
  if (found.some(mayRun)) return;
  const [file] = found;
  if (file !== undefined) throw new HoldfastError("PROGRAM_MISSING", `${file} may not be run: it is not executable`, { program, file });
  const where = program.includes("/") ? `there is no program ${places[0]}` : `there is no program "${program}" in PATH, which is ${path}`;
  throw new HoldfastError("PROGRAM_MISSING", `${where}: is it installed?`, { program });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isFile(path: string): boolean {
  return attempt(() => statSync(path).isFile());
}

function mayRun(path: string): boolean {
  return attempt(() => {
    accessSync(path, constants.X_OK);
    return true;
  });
}

function attempt(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}
