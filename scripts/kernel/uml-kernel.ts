import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cached } from "./cache.ts";
import { install, KERNEL_SERIES, run, unpackKernelSource } from "./debian.ts";

/** What the kernel is made of, beyond the least that it can be: what Bun asks of a kernel, GPIO, and a camera. */
const options = {
  base: "64BIT EXPERT PRINTK BUG MULTIUSER POSIX_TIMERS HIGH_RES_TIMERS NO_HZ_IDLE BINFMT_ELF BINFMT_SCRIPT BLK_DEV_INITRD SHMEM",
  calls: "FUTEX EPOLL SIGNALFD TIMERFD EVENTFD AIO IO_URING ADVISE_SYSCALLS MEMBARRIER FILE_LOCKING FSNOTIFY INOTIFY_USER",
  files: "DEVTMPFS PROC_FS PROC_SYSCTL SYSFS TMPFS CONFIGFS_FS",
  sockets: "NET UNIX INET",
  console: "TTY UNIX98_PTYS STDERR_CONSOLE NULL_CHAN",
  gpio: "GPIOLIB GPIO_CDEV GPIO_SYSFS GPIO_SIM",
  // A bus that nothing is on: it brings the memory for DMA, without which there is no virtual camera.
  bus: "PCI VIRTIO_UML UML_PCI_OVER_VIRTIO",
  camera: "MEDIA_SUPPORT MEDIA_SUPPORT_FILTER MEDIA_TEST_SUPPORT V4L_TEST_DRIVERS FB VIDEO_VIVID",
  tracing: "FTRACE ENABLE_DEFAULT_TRACERS",
};

/** Changes of the source: file, what is there, what is to be there. */
const changes: readonly (readonly [file: string, from: RegExp, to: string])[] = [
  // User Mode Linux takes all of its interrupt numbers for itself; each watched line needs one.
  ["arch/um/include/asm/irq.h", /^(#define NR_IRQS\s+)\(?UM_LAST_SIGNAL_IRQ.*$/gm, "$1(UM_LAST_SIGNAL_IRQ + 256)"],
  // Simulated edges wait for the next tick: 1 ms instead of 10.
  ["arch/um/Kconfig", /^(config HZ\n\tint\n\tdefault) 100$/m, "$1 1000"],
];

/**
 * The kernel as a program of this machine (User Mode Linux, x86_64 alone), with gpio-sim in it. Made once, in some minutes.
 * @returns the program's path
 */
export async function umlKernel(): Promise<string> {
  const recipe = [KERNEL_SERIES, options, changes.map(([file, from, to]) => [file, String(from), to])];
  const folder = await cached("uml", recipe, async (folder) => {
    await install("make", "gcc", "libc6-dev", "flex", "bison", "bc", "libelf-dev", "xz-utils");
    console.log("building a User Mode Linux kernel, once: this takes some minutes");
    const source = join(folder, "source");
    await run(["mkdir", source]);
    await unpackKernelSource(source);
    for (const change of changes) await apply(source, ...change);
    const enabled = Object.values(options).flatMap((names) => names.split(" "));
    await Bun.write(join(source, ".fragment"), enabled.map((name) => `CONFIG_${name}=y\n`).join(""));
    const make = ["make", "ARCH=um", `--jobs=${availableParallelism()}`];
    await run([...make, "tinyconfig"], source);
    await run(["env", "ARCH=um", "scripts/kconfig/merge_config.sh", "-m", ".config", ".fragment"], source);
    await run([...make, "olddefconfig"], source);
    await assertEnabled(enabled, join(source, ".config"));
    await run([...make, "linux"], source);
    await run(["strip", "-o", join(folder, "linux"), join(source, "linux")]);
    rmSync(source, { recursive: true });
  });
  return join(folder, "linux");
}

async function apply(source: string, file: string, from: RegExp, to: string): Promise<void> {
  const path = join(source, file);
  const before = await Bun.file(path).text();
  const after = before.replace(from, to);
  if (after === before) throw new Error(`Linux ${KERNEL_SERIES} has no ${from} in ${file}`);
  await Bun.write(path, after);
}

/** An option that depends on another one, which is not set, vanishes without a word. */
async function assertEnabled(names: readonly string[], config: string): Promise<void> {
  const lines = new Set((await Bun.file(config).text()).split("\n"));
  const missing = names.filter((name) => !lines.has(`CONFIG_${name}=y`));
  if (missing.length > 0) throw new Error(`the kernel's configuration does not take ${missing.join(", ")}`);
}
