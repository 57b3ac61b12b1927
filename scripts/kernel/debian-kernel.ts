import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Arch } from "../bun-runtime.ts";
import { cached } from "./cache.ts";
import { debianArch, hostArch, install, KERNEL_SERIES, run, standsFor, unpack, unpackKernelSource } from "./debian.ts";

/** A kernel of Debian's. */
export interface DebianKernel {
  /** What a boot loader loads. */
  readonly image: string;
  /** The folder of its device trees, if there are any. */
  readonly deviceTrees: string;
  /** The modules that guests load, in this order. */
  readonly modules: readonly string[];
}

/** No kernel of Debian's has gpio-sim. These two modules are built from its source, and loaded in this order. */
const simulator = {
  sources: ["kernel/irq/irq_sim.c", "drivers/gpio/gpio-sim.c"],
  modules: ["irq_sim", "gpio-sim"],
  makefile: "obj-m := irq_sim.o gpio-sim.o\nccflags-y := -DCONFIG_IRQ_SIM=1\n",
  /** What irq_sim calls is not there for modules; something else does the same. */
  internalCall: "handle_simple_irq(irq_to_desc(irqnum))",
  exportedCall: "generic_handle_irq(irqnum)",
  licence: '\n#include <linux/module.h>\nMODULE_LICENSE("GPL");\n',
};

/** Modules of Debian's that guests load before, in this order, where a kernel has them. */
const packaged = [
  // The simulator's configuration.
  "configfs",
  // A Raspberry Pi's entropy, power and PWM.
  ...["rng-core", "bcm2835-rng", "bcm2835_wdt", "pwm-bcm2835"],
  // A virtual camera.
  ...["mc", "videodev", "videobuf2-common", "videobuf2-v4l2", "videobuf2-memops", "videobuf2-vmalloc", "videobuf2-dma-contig"],
  ...["v4l2-tpg", "v4l2-dv-timings", "rc-core", "cec", "vivid"],
];

/** The kernel of Debian's package linux-image-SERIES-FLAVOUR, with gpio-sim beside it. Made once, in less than a minute. */
export async function debianKernel(arch: Arch, flavour: string): Promise<DebianKernel> {
  const folder = await cached(`linux-${flavour}`, [KERNEL_SERIES, simulator, packaged], (folder) => make(arch, flavour, folder));
  const modules = [...packaged, ...simulator.modules].map((name) => join(folder, "modules", `${name}.ko`));
  return { image: join(folder, "vmlinuz"), deviceTrees: join(folder, "device-trees"), modules: modules.filter((path) => existsSync(path)) };
}

async function make(arch: Arch, flavour: string, folder: string): Promise<void> {
  const { triple } = debianArch[arch];
  await install("make", "xz-utils", "libc6-dev", "gcc", ...(arch === hostArch ? [] : [`gcc-${triple.replace("_", "-")}`]));
  console.log(`preparing Debian's kernel for ${flavour}, once`);
  const image = await standsFor(arch, `linux-image-${KERNEL_SERIES}-${flavour}`);
  const version = image.slice("linux-image-".length);
  const abi = version.slice(0, -`-${flavour}`.length);
  const parts = join(folder, "parts");
  for (const name of ["parts", "modules", "device-trees"]) mkdirSync(join(folder, name));
  await unpack(arch, parts, image, `linux-headers-${version}`, `linux-headers-${abi}-common`);
  await unpack(hostArch, parts, `linux-kbuild-${abi}`);

  copyFileSync(join(parts, "boot", `vmlinuz-${version}`), join(folder, "vmlinuz"));
  const trees = join(parts, "usr", "lib", image, "broadcom");
  for (const name of existsSync(trees) ? readdirSync(trees) : []) copyFileSync(join(trees, name), join(folder, "device-trees", name));
  for (const path of new Bun.Glob("**/*.ko.xz").scanSync({ cwd: join(parts, "lib", "modules", version), absolute: true })) {
    if (!packaged.includes(basename(path, ".ko.xz"))) continue;
    copyFileSync(path, join(folder, "modules", basename(path)));
    await run(["unxz", basename(path)], join(folder, "modules"));
  }
  await buildSimulator(parts, version, `${triple}-gcc`, join(folder, "modules"));
  rmSync(parts, { recursive: true });
}

/** @param parts where the kernel's headers have been unpacked */
async function buildSimulator(parts: string, version: string, compiler: string, modules: string): Promise<void> {
  const folder = join(parts, "simulator");
  mkdirSync(folder);
  await unpackKernelSource(folder, ...simulator.sources);
  for (const path of simulator.sources) {
    const source = await Bun.file(join(folder, path)).text();
    await Bun.write(join(folder, basename(path)), source.replace(simulator.internalCall, simulator.exportedCall) + simulator.licence);
  }
  await Bun.write(join(folder, "Makefile"), simulator.makefile);
  // The headers name each other by where the packages install them.
  const headers = join(parts, "usr", "src", `linux-headers-${version}`);
  const makefile = Bun.file(join(headers, "Makefile"));
  await Bun.write(makefile, (await makefile.text()).replaceAll("/usr/src/", `${parts}/usr/src/`));
  // With it the build would describe the modules' types for tracers, which takes a program that nobody here needs.
  rmSync(join(headers, "vmlinux"));
  await run(["make", "-C", headers, `M=${folder}`, `CC=${compiler}`, "modules"]);
  for (const name of simulator.modules) copyFileSync(join(folder, `${name}.ko`), join(modules, `${name}.ko`));
}
