import { readFileSync } from "node:fs";

/** What simulated chips say they are on: a Pi 4 Model B, which every library knows that asks. */
export const SIM_REVISION = 0xc03114;

/**
 * The revision code of the Raspberry Pi that this is: model, memory and maker in one number, which libraries such as gpiozero take apart.
 * From the device tree, or from what older kernels say in its place.
 * @returns null: another machine, or one that does not say
 * @see https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#raspberry-pi-revision-codes
 */
export function boardRevision(root = "/proc"): number | null {
  const inTree = attempt(() => readFileSync(`${root}/device-tree/system/linux,revision`).readUInt32BE());
  const inCpuInfo = () => /^Revision\s*:\s*([0-9a-f]+)$/im.exec(readFileSync(`${root}/cpuinfo`, "latin1"))?.[1];
  return inTree || Number.parseInt(attempt(inCpuInfo) ?? "", 16) || null;
}

/** What there is; undefined: there is nothing of the kind. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
