/** What one notification says: the levels of GPIO 0 to 31 at some time, and why it is told. */
export interface Report {
  /** Counts the reports of a handle; one that the reader was too slow for is missing. */
  readonly sequence: number;
  /** 0: a level has changed. */
  readonly flags: number;
  /** See `tickOf`. */
  readonly tick: number;
  /** Bit n is GPIO n. */
  readonly levels: number;
}

/** Bytes of a report on the wire (pigpio.h, gpioReport_t). */
export const REPORT_BYTES = 12;

/** Nothing has happened for a minute, and the connection is alive (pigpio.h, PI_NTFY_FLAGS_ALIVE). */
export const ALIVE = 1 << 6;

/** The watchdog of a GPIO, whose number is in the lowest bits: no edge has come in its time (PI_NTFY_FLAGS_WDOG). */
export function watchdogOf(gpio: number): number {
  return (1 << 5) | gpio;
}

/** A report as it is sent: two half words and two words, little-endian. */
export function encodeReport({ sequence, flags, tick, levels }: Report): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(REPORT_BYTES));
  bytes.setUint16(0, sequence, true);
  bytes.setUint16(2, flags, true);
  bytes.setUint32(4, tick, true);
  bytes.setUint32(8, levels, true);
  return new Uint8Array(bytes.buffer);
}

/** An instant of CLOCK_MONOTONIC as pigpio tells it: in µs, as a word that begins again at 0 every 72 minutes. */
export function tickOf(us: number): number {
  return Math.floor(us) % 2 ** 32;
}
