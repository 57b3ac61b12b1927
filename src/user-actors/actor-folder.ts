import { lstatSync, readdirSync, statSync } from "node:fs";
import { join, parse } from "node:path";
import { badConfig } from "../protocol/assert-config.ts";
import type { ActorSource } from "./actor-host.ts";

/** What an actor's file is called. Types, tests and what editors keep beside a file are none. */
const actorFile = /^[^.].*(?<!\.d|\.test)\.(ts|js|mjs)$/;

/**
 * What is in a folder of actors: every .ts, .js and .mjs directly in it is one, named as the file. They come in the order of their names.
 * @param folder by an absolute path
 * @throws HoldfastError `BAD_CONFIG`, `key` `actors.folder`
 */
export function actorsIn(folder: string): ActorSource[] {
  const names = filesIn(folder).filter((name) => actorFile.test(name) && isFile(join(folder, name)));
  return names.sort().map((name) => ({ name: parse(name).name, file: join(folder, name) }));
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw badConfig("actors.folder", `there is no folder ${folder}`);
    if (code === "ENOTDIR") throw badConfig("actors.folder", `${folder} is no folder`);
    throw badConfig("actors.folder", `${folder} can't be read: ${message}`);
  }
}

/** What can't be looked at, such as a link that leads nowhere, counts as one: whoever tries to load it is told why that can't be. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Unless it has gone meanwhile.
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  }
}
