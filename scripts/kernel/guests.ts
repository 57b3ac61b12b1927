import { type Arch, install } from "./debian.ts";
import { debianKernel } from "./debian-kernel.ts";
import type { GuestFile } from "./initramfs.ts";
import { umlKernel } from "./uml-kernel.ts";

/** A machine in which the tests run. */
export interface Guest {
  readonly arch: Arch;
  /** Makes what is not there yet. */
  prepare(): Promise<GuestMachine>;
}

/** A machine that is ready to start. */
export interface GuestMachine {
  /** What starts it from the file `initramfs` of the current folder, with its console on standard output. */
  readonly command: readonly string[];
  /** The modules that its kernel loads, in this order. */
  readonly modules: readonly string[];
}

/** Given to every kernel: no chatter; a kernel that panics ends the machine at once. */
const KERNEL_ARGUMENTS = "quiet panic=-1 rdinit=/init";

/** Enough for the files of a guest, twice while they are unpacked, and for what the tests start. */
const MEMORY_MIB = 1536;

/** Every guest by its name: `bun scripts/test-kernel.ts NAME`. */
export const guests: Readonly<Record<string, Guest>> = {
  uml: {
    arch: "x64",
    prepare: async () => ({
      // Without uml_dir it writes into the home directory.
      command: [
        await umlKernel(),
        `mem=${MEMORY_MIB}M`,
        "initrd=initramfs",
        "uml_dir=.",
        "con0=fd:0,fd:1",
        "con=null",
        ...words(KERNEL_ARGUMENTS),
      ],
      modules: [],
    }),
  },
  x86_64: {
    arch: "x64",
    prepare: () =>
      qemu({ arch: "x64", flavour: "amd64", package: "qemu-system-x86", machine: "-nodefaults -cpu max -smp 2", console: "ttyS0" }),
  },
};

interface QemuMachine {
  readonly arch: Arch;
  /** Debian's kernel for it. */
  readonly flavour: string;
  /** Debian's package of the emulator. */
  readonly package: string;
  /** The emulator's arguments that make the machine. */
  readonly machine: string;
  readonly console: string;
}

/** A machine of QEMU's with a kernel of Debian's. It is emulated in software: /dev/kvm may be there and not work. */
async function qemu({ arch, flavour, package: emulator, machine, console }: QemuMachine): Promise<GuestMachine> {
  await install(emulator);
  const { image, modules } = await debianKernel(arch, flavour);
  const program = { x64: "qemu-system-x86_64", arm64: "qemu-system-aarch64" }[arch];
  const fixed = "-accel tcg -display none -monitor none -serial stdio -no-reboot -initrd initramfs";
  const kernel = ["-kernel", image, "-append", `${KERNEL_ARGUMENTS} mitigations=off console=${console}`];
  return { command: [program, ...words(machine), "-m", `${MEMORY_MIB}`, ...words(fixed), ...kernel], modules };
}

function words(line: string): string[] {
  return line.split(" ");
}

/** The modules as files of a guest, where its first process finds them in their order. */
export function moduleFiles(modules: readonly string[]): [string, GuestFile][] {
  return modules.map((from, index) => [`modules/${String(index).padStart(2, "0")}.ko`, { from }]);
}
