import { basename, join } from "node:path";
import { $ } from "bun";
import type { GuestFile } from "./initramfs.ts";

/** Where programs of this machine and the libraries that they were linked with are in a guest, apart from the guest's own. */
const AT = "host";

/** A program of this machine for a guest of the same architecture, as bin/NAME. @param linked other files whose libraries it needs */
export async function hostProgram(path: string, ...linked: readonly string[]): Promise<[string, GuestFile][]> {
  const name = basename(path);
  const libraries = (await Promise.all([path, ...linked].map(librariesOf))).flat();
  const loader = libraries.find(([library]) => library.startsWith("ld-linux"))?.[0];
  if (loader === undefined) throw new Error(`${path} has no loader: ldd does not name one`);
  return [
    [`bin/${name}`, { text: `#!/bin/sh\nexec /${AT}/${loader} --library-path /${AT} /${AT}/${name} "$@"\n`, mode: 0o755 }],
    [join(AT, name), { from: path }],
    ...libraries.map(([library, from]): [string, GuestFile] => [join(AT, library), { from }]),
  ];
}

/** The shared libraries that a program needs, by their names, and the loader. */
async function librariesOf(program: string): Promise<[string, string][]> {
  const listed = await $`ldd ${program}`.text();
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => [basename(path), path]);
}
