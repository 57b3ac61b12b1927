import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import type { Stage } from "./processes.ts";

const root = join(import.meta.dir, "..", "..");
const library = join(root, "dist", "lib");
if (!existsSync(library)) throw new Error(`there is no ${library}: run \`make lib\` first`);

/** What runs programs that use the library. */
export const runtimes: Readonly<Record<string, string>> = { Node: Bun.which("node") ?? "node", Bun: process.execPath };

/**
 * Where a user's project has installed the library, as `npm pack` packs it, with what its package.json says that it needs, and fast-check.
 * Needs no registry.
 */
export class InstalledLibrary {
  readonly #folder = mkdtempSync(join(tmpdir(), "holdfast-project-"));
  readonly modules = join(this.#folder, "node_modules");

  async install(): Promise<void> {
    const installed = join(this.modules, "holdfast");
    mkdirSync(installed, { recursive: true });
    const tarball = (await $`npm pack ${library} --pack-destination ${this.#folder} --silent --offline`.text()).trim();
    await $`tar -xzf ${join(this.#folder, tarball)} -C ${installed} --strip-components=1`;
    const { dependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    for (const name of [...Object.keys(dependencies), "fast-check", "pure-rand"]) {
      cpSync(join(root, "node_modules", name), join(this.modules, name), { recursive: true });
    }
  }

  /** A project that has installed it: a folder on the stage. */
  project(stage: Stage): string {
    const folder = join(stage.folder, "project");
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    symlinkSync(this.modules, join(folder, "node_modules"));
    return folder;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
