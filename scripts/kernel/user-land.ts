import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Arch } from "../bun-runtime.ts";
import { cached } from "./cache.ts";
import { debianArch, unpack } from "./debian.ts";
import type { GuestFile } from "./initramfs.ts";

/** Debian's packages: a shell and its commands, the C library that Bun needs, and the programs of others that use GPIO. */
const packages = ["busybox-static", "libc6", "gpiod", "libgpiod2"];

const libraries = ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"];

/** Where the kernel looks for what starts a program. */
const loader = { x64: "lib64/ld-linux-x86-64.so.2", arm64: "lib/ld-linux-aarch64.so.1" } as const;

/** The programs and libraries of a guest that are not ours. */
export async function userLand(arch: Arch): Promise<[string, GuestFile][]> {
  const { name, triple } = debianArch[arch];
  const root = await cached(`user-land-${name}`, packages, (folder) => unpack(arch, folder, ...packages));
  const programs = join(root, "usr", "bin");
  return [
    ["bin/busybox", { from: join(root, "bin", "busybox") }],
    ...readdirSync(programs).map((program): [string, GuestFile] => [`bin/${program}`, { from: join(programs, program) }]),
    ...libraries.map((library): [string, GuestFile] => [`lib/${library}`, { from: join(root, "lib", triple, library) }]),
    ["lib/libgpiod.so.2", { from: join(root, "usr", "lib", triple, "libgpiod.so.2") }],
    [loader[arch], { from: join(root, "lib", triple, loader[arch].slice(loader[arch].lastIndexOf("/") + 1)) }],
  ];
}
