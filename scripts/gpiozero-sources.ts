import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";
import { cached } from "./kernel/cache.ts";
import { run } from "./kernel/debian.ts";

/**
 * The folder of the sources of the gpiozero that Debian has installed here: its tests are no part of the package. From where this machine
 * has its packages; kept in the cache. Nobody has to be root, and the machine's own lists stay as they are.
 * @throws Error when they can't be had
 */
export async function gpiozeroSources(): Promise<string> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const version = await $`dpkg-query ${["--show", "--showformat", "${source:Package}=${source:Version}", "python3-gpiozero"]}`.text();
  return cached("gpiozero", version, (folder) => download(version, folder));
}

async function download(version: string, folder: string): Promise<void> {
  const state = join(folder, "apt");
  mkdirSync(join(state, "lists", "partial"), { recursive: true });
  mkdirSync(join(state, "archives", "partial"), { recursive: true });
  const format = "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)";
  await Bun.write(join(state, "sources.list"), await $`apt-get indextargets ${["--format", format, "Created-By: Packages"]}`.text());
  const options = {
    "Dir::Etc::SourceList": join(state, "sources.list"),
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State::Lists": join(state, "lists"),
    "Dir::Cache": state,
    // Root would download as a user who may not write here.
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
  };
  const apt = ["apt-get", "-qq", ...Object.entries(options).flatMap(([option, value]) => ["-o", `${option}=${value}`])];
  await run([...apt, "update"]);
  // The archive of its authors alone: Debian's changes to it are no concern of the tests.
  await run([...apt, "source", "--tar-only", version], state);
  const [archive] = [...new Bun.Glob("*.orig.tar.*").scanSync(state)].filter((name) => !name.endsWith(".asc"));
  await run(["tar", "--extract", "--file", join(state, archive ?? "gpiozero.orig.tar.gz"), "--strip-components=1"], folder);
  rmSync(state, { recursive: true });
}
