import { join } from "node:path";
import type { Arch } from "../bun-runtime.ts";
import { install } from "./debian.ts";
import { debianKernel } from "./debian-kernel.ts";
import { umlKernel } from "./uml-kernel.ts";

/** A machine in which tests run. */
export interface Guest {
  readonly arch: Arch;
  /** The folder of the tests that it can run. */
  readonly tests: string;
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

const TESTS = "test/kernel/";

/** Given to every kernel: no chatter; a kernel that panics ends the machine at once; a virtual camera that captures, and nothing else. */
const KERNEL_ARGUMENTS = "quiet panic=-1 rdinit=/init vivid.node_types=0x1";

/** Enough for the files of a guest, twice while they are unpacked, and for what the tests start. */
const MEMORY_MIB = 2048;

/** One emulating thread: while Linux starts a Raspberry Pi, its other cores wait for it so busily that it takes many times as long. */
const PI = "-accel tcg,thread=single -M raspi3b";

/** Every guest by its name: `bun scripts/test-kernel.ts NAME`. */
export const guests: Readonly<Record<string, Guest>> = {
  uml: { arch: "x64", tests: TESTS, prepare: userModeLinux },
  x86_64: qemu({
    arch: "x64",
    flavour: "amd64",
    machine: `-accel tcg -nodefaults -cpu max -smp 2 -m ${MEMORY_MIB}`,
    // On a busy machine the emulated timer is late, and the kernel would take it for broken.
    console: "ttyS0 no_timer_check",
  }),
  virt: qemu({ arch: "arm64", flavour: "arm64", machine: virt(), console: "ttyAMA0" }),
  // The page size of Raspberry Pi OS on a Pi 5.
  virt16k: qemu({ arch: "arm64", flavour: "arm64-16k", machine: virt(), console: "ttyAMA0" }),
  raspi3b: qemu({
    arch: "arm64",
    flavour: "arm64",
    machine: PI,
    deviceTree: "bcm2837-rpi-3-b.dtb",
    // The tests look into the chip's registers.
    console: "ttyAMA0 iomem=relaxed",
    tests: "test/raspberry-pi/",
  }),
};

/**
 * QEMU's own arm64 board, with the processor of a Raspberry Pi 5. Not all that QEMU 7.2 can emulate (`-cpu max`): there Bun's threads
 * crash, for a reason not found, when SVE has vectors of more than 128 bits. No Raspberry Pi has SVE.
 */
function virt(): string {
  return `-accel tcg -M virt -nic none -cpu cortex-a76 -smp 2 -m ${MEMORY_MIB}`;
}

/** Linux as a program of this machine, with this machine's speed. */
async function userModeLinux(): Promise<GuestMachine> {
  // Without uml_dir it writes into the home directory.
  const own = `mem=${MEMORY_MIB}M initrd=initramfs uml_dir=. con0=fd:0,fd:1 con=null`;
  return { command: [await umlKernel(), ...words(own), ...words(KERNEL_ARGUMENTS)], modules: [] };
}

interface QemuMachine {
  readonly arch: Arch;
  /** Debian's kernel for it. */
  readonly flavour: string;
  /** The emulator's arguments that make the machine. It is emulated in software: /dev/kvm may be there and not work. */
  readonly machine: string;
  /** The file that tells the kernel what the machine has, where that takes one. */
  readonly deviceTree?: string;
  /** The kernel's name of the serial port, and what else it is told. */
  readonly console: string;
  readonly tests?: string;
}

const emulators = {
  x64: { program: "qemu-system-x86_64", package: "qemu-system-x86" },
  arm64: { program: "qemu-system-aarch64", package: "qemu-system-arm" },
} as const;

/** A machine of QEMU's with a kernel of Debian's. */
function qemu({ arch, flavour, machine, deviceTree, console, tests = TESTS }: QemuMachine): Guest {
  const prepare = async () => {
    await install(emulators[arch].package);
    const { image, deviceTrees, modules } = await debianKernel(arch, flavour);
    const tree = deviceTree === undefined ? [] : ["-dtb", join(deviceTrees, deviceTree)];
    const fixed = words("-display none -monitor none -serial stdio -no-reboot -initrd initramfs");
    const kernel = ["-kernel", image, "-append", `${KERNEL_ARGUMENTS} mitigations=off console=${console}`];
    return { command: [emulators[arch].program, ...words(machine), ...fixed, ...tree, ...kernel], modules };
  };
  return { arch, tests, prepare };
}

function words(line: string): string[] {
  return line.split(" ");
}
