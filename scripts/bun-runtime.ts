import { createHash } from "node:crypto";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";
import lock from "../package-lock.json";

/** What each architecture is called: by us and Node, by Bun's compiler, and by the package that holds Bun's runtime. */
export const architectures = {
  x64: { target: "bun-linux-x64", runtime: "@oven/bun-linux-x64" },
  arm64: { target: "bun-linux-arm64", runtime: "@oven/bun-linux-aarch64" },
} as const;
/** An architecture as Node calls it. */
export type Arch = keyof typeof architectures;

/** Whether there is an executable for an architecture of that name. */
export function isArch(name: string): name is Arch {
  return Object.hasOwn(architectures, name);
}

/**
 * Bun's runtime for another architecture than this machine's, in `directory`. The compiler would fetch it by itself, but unpinned;
 * here its bytes are those that package-lock.json names.
 */
export async function fetchRuntime(arch: Arch, directory: string): Promise<string> {
  const name = architectures[arch].runtime;
  const { version, integrity } = lock.packages[`node_modules/${name}`];
  const packed = await $`npm pack ${name}@${version} --prefer-offline --silent --pack-destination ${directory}`.cwd(directory).text();
  const tarball = readFileSync(join(directory, packed.trim()));
  rmSync(join(directory, packed.trim()));
  const found = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  if (found !== integrity) throw new Error(`${name}@${version} is ${found}; package-lock.json says ${integrity}`);
  const file = (await new Bun.Archive(tarball).files()).get("package/bin/bun");
  if (file === undefined) throw new Error(`${name}@${version} has no bin/bun`);
  const path = join(directory, "bun");
  writeFileSync(path, await file.bytes());
  chmodSync(path, 0o755);
  return path;
}
