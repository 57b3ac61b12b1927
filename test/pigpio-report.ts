import type { Report } from "../src/transports/pigpio/report.ts";

/** A report as its reader takes it apart. */
export function decodeReport(bytes: Uint8Array): Report {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    sequence: view.getUint16(0, true),
    flags: view.getUint16(2, true),
    tick: view.getUint32(4, true),
    levels: view.getUint32(8, true),
  };
}
