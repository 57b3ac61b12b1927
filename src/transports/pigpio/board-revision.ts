import { readFileSync } from "node:fs";

/** A Raspberry Pi 4B of 2 GB, which has the 40-pin header that the simulator has. */
export const DEFAULT_REVISION = 0xb03114;

/** Whether the board's owner has run it beyond its limits is nobody's business here; pigpio leaves those bits out, too. */
const REVISION_MASK = 0xff_ffff;

/** The revision code of this board, by which clients know what its header looks like; another machine is taken for `DEFAULT_REVISION`. */
export function boardRevision(read: (path: string) => Uint8Array | null = readOrNull): number {
  const cpuinfo = read("/proc/cpuinfo");
  const line = cpuinfo && /^Revision\s*:\s*([0-9a-f]+)\s*$/im.exec(new TextDecoder().decode(cpuinfo))?.[1];
  const property = read("/proc/device-tree/system/linux,revision");
  const found = [line ? Number.parseInt(line, 16) : 0, property?.length === 4 ? new DataView(property.slice().buffer).getUint32(0) : 0];
  return found.map((code) => (code & REVISION_MASK) >>> 0).find(isRaspberryPi) ?? DEFAULT_REVISION;
}

/** New codes have a bit that says so; the old ones are few (raspberrypi.com, "Raspberry Pi revision codes"). */
function isRaspberryPi(code: number): boolean {
  return (code & 0x80_0000) !== 0 || (code >= 0x2 && code <= 0x15);
}

function readOrNull(path: string): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    return null;
  }
}
