import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";
import type { Arch } from "../bun-runtime.ts";
import { cacheFolder } from "./cache.ts";

/** What Debian calls an architecture, and what its compilers and folders of libraries call it. */
export const debianArch = {
  x64: { name: "amd64", triple: "x86_64-linux-gnu" },
  arm64: { name: "arm64", triple: "aarch64-linux-gnu" },
} as const;

/** This machine's. */
export const hostArch = process.arch as Arch;

/** The series of kernels that the guests run: that of Raspberry Pi OS. */
export const KERNEL_SERIES = "6.12";

/**
 * Installs packages of Debian on this machine, those that it lacks.
 * @throws Error when that fails, and where there is no Debian
 */
export async function install(...packages: readonly string[]): Promise<void> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const query = ["--show", "--showformat", "${Package} ${db:Status-Status}\n", ...packages];
  const installed = new Set((await $`dpkg-query ${query}`.nothrow().quiet()).stdout.toString().split("\n"));
  const lacking = packages.filter((name) => !installed.has(`${name} installed`));
  if (lacking.length === 0) return;
  console.log(`installing ${lacking.join(" ")}`);
  const root = process.getuid?.() === 0 ? [] : ["sudo"];
  await run([...root, "apt-get", "update", "-qq"]);
  await run([...root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qq", "--no-install-recommends", ...lacking]);
}

/** Unpacks packages of Debian into `folder`, without installing them; those of another architecture too. */
export async function unpack(arch: Arch, folder: string, ...packages: readonly string[]): Promise<void> {
  const downloads = mkdtempSync(join(folder, ".download-"));
  await run([...(await apt(arch, "apt-get")), "download", ...packages], downloads);
  for (const file of readdirSync(downloads)) await run(["dpkg", "--extract", file, folder], downloads);
  rmSync(downloads, { recursive: true });
}

/** The name of the package that a package with no content of its own stands for. */
export async function standsFor(arch: Arch, name: string): Promise<string> {
  const shown = await $`${await apt(arch, "apt-cache")} depends ${name}`.text();
  const found = /^ *Depends: *(\S+)/m.exec(shown)?.[1];
  if (found === undefined) throw new Error(`Debian's ${name} names no package that it stands for`);
  return found;
}

/**
 * Unpacks files and folders of the kernel's source into `folder`.
 * @param parts none: all of it
 */
export async function unpackKernelSource(folder: string, ...parts: readonly string[]): Promise<void> {
  const name = `linux-source-${KERNEL_SERIES}`;
  await unpack(hostArch, folder, name);
  const archive = join(folder, "usr", "src", `${name}.tar.xz`);
  await run(["tar", "--extract", "--file", archive, "--strip-components=1", ...parts.map((part) => `${name}/${part}`)], folder);
  rmSync(join(folder, "usr", "src"), { recursive: true });
}

/** Runs a command that is silent unless it fails. @throws Error with what it has printed last */
export async function run(command: readonly string[], folder = cacheFolder): Promise<void> {
  const { exitCode, stdout, stderr } = await $`${[...command]}`.cwd(folder).nothrow().quiet();
  if (exitCode === 0) return;
  const lastLines = `${stdout}${stderr}`.trimEnd().split("\n").slice(-20).join("\n");
  throw new Error(`${command.join(" ")}: exit code ${exitCode}\n${lastLines}`);
}

const updated = new Set<Arch>();

/**
 * The start of a command of apt for any architecture. Lists of packages are kept in the cache, so that nobody has to be root,
 * and the machine's own know nothing of other architectures.
 */
async function apt(arch: Arch, tool: "apt-get" | "apt-cache"): Promise<string[]> {
  const { name } = debianArch[arch];
  const state = join(cacheFolder, `apt-${name}`);
  mkdirSync(join(state, "lists", "partial"), { recursive: true });
  mkdirSync(join(state, "archives", "partial"), { recursive: true });
  await Bun.write(join(state, "status"), "");
  const options = {
    "Dir::State": state,
    "Dir::State::status": join(state, "status"),
    "Dir::Cache": state,
    "APT::Architecture": name,
    "APT::Architectures": name,
    // Root would download as a user who may not write here.
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
  };
  const command = (which: string) => [which, "-qq", ...Object.entries(options).flatMap(([option, value]) => ["-o", `${option}=${value}`])];
  if (!updated.has(arch)) await run([...command("apt-get"), "update"]);
  updated.add(arch);
  return command(tool);
}
