import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where kernels and what their guests need are kept once they are made: KERNEL_CACHE, else a folder in the user's own cache. */
export const cacheFolder =
  process.env["KERNEL_CACHE"] || join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "holdfast", "kernel");

const UNFINISHED = ".unfinished-";

/**
 * A folder of the cache, made when it is not there yet. It appears whole or not at all, whatever interrupts the making.
 * @param recipe all that decides what is made: another recipe makes another folder
 * @param make fills the empty folder that it is given
 */
export async function cached(name: string, recipe: unknown, make: (folder: string) => Promise<void>): Promise<string> {
  const made = join(cacheFolder, `${name}-${Bun.hash.xxHash32(JSON.stringify(recipe)).toString(16)}`);
  if (existsSync(made)) return made;
  mkdirSync(cacheFolder, { recursive: true });
  removeUnfinished();
  const unfinished = join(cacheFolder, `${UNFINISHED}${process.pid}-${name}`);
  try {
    mkdirSync(unfinished);
    await make(unfinished);
    // Two that make the same at the same time: the second one's is as good as the first one's.
    if (!existsSync(made)) renameSync(unfinished, made);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return made;
}

/** A build takes gigabytes: what was left by processes that were killed goes before the next. */
function removeUnfinished(): void {
  for (const name of readdirSync(cacheFolder)) {
    const pid = name.startsWith(UNFINISHED) && Number.parseInt(name.slice(UNFINISHED.length), 10);
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(cacheFolder, name), { recursive: true, force: true });
  }
}
