import type { Level } from "../../protocol/requests.ts";
import type { ChipInfo, LineInfo, LineSettings } from "../backend.ts";
import { highWord, type Levels, levelsOfLines, lowWord, maskWord } from "../levels.ts";

/**
 * Version 2 of the kernel's GPIO interface, as bytes: include/uapi/linux/gpio.h, Linux 5.10 and later.
 * The structs are the same on every 64-bit architecture that holdfast runs on, all of them little-endian.
 */

/** GPIO_MAX_NAME_SIZE: the bytes of a name, its terminating zero included. */
const NAME_BYTES = 32;

/** Bytes of each struct. */
export const structBytes = {
  gpiochip_info: 68,
  gpio_v2_line_info: 256,
  gpio_v2_line_attribute: 16,
  gpio_v2_line_config_attribute: 24,
  gpio_v2_line_config: 272,
  gpio_v2_line_request: 592,
  gpio_v2_line_values: 16,
  gpio_v2_line_event: 48,
} as const;

/** Where the fields that holdfast uses begin in their structs, in bytes. */
export const fieldOffsets = {
  gpiochip_info: { label: 32, lines: 64 },
  gpio_v2_line_info: { name: 0, consumer: 32, offset: 64, flags: 72 },
  gpio_v2_line_attribute: { id: 0, value: 8 },
  gpio_v2_line_config_attribute: { attr: 0, mask: 16 },
  gpio_v2_line_config: { flags: 0, num_attrs: 8, attrs: 32 },
  gpio_v2_line_request: { offsets: 0, consumer: 256, config: 288, num_lines: 560, event_buffer_size: 564, fd: 588 },
  gpio_v2_line_values: { bits: 0, mask: 8 },
  gpio_v2_line_event: { timestamp_ns: 0, id: 8, offset: 12, seqno: 16, line_seqno: 20 },
} as const;

/** `_IOR` or `_IOWR` of include/uapi/asm-generic/ioctl.h for the GPIO devices' type, 0xB4. */
function ioctlNumber(access: "read" | "read and write", number: number, bytes: number): number {
  const direction = access === "read" ? 2 : 3;
  return ((direction << 30) | (bytes << 16) | (0xb4 << 8) | number) >>> 0;
}

/** The requests of ioctl(2). The first two go to a chip's descriptor, and so does the third, which answers with a line's. */
export const ioctls = {
  GPIO_GET_CHIPINFO_IOCTL: ioctlNumber("read", 0x01, structBytes.gpiochip_info),
  GPIO_V2_GET_LINEINFO_IOCTL: ioctlNumber("read and write", 0x05, structBytes.gpio_v2_line_info),
  GPIO_V2_GET_LINE_IOCTL: ioctlNumber("read and write", 0x07, structBytes.gpio_v2_line_request),
  GPIO_V2_LINE_SET_CONFIG_IOCTL: ioctlNumber("read and write", 0x0d, structBytes.gpio_v2_line_config),
  GPIO_V2_LINE_GET_VALUES_IOCTL: ioctlNumber("read and write", 0x0e, structBytes.gpio_v2_line_values),
  GPIO_V2_LINE_SET_VALUES_IOCTL: ioctlNumber("read and write", 0x0f, structBytes.gpio_v2_line_values),
} as const;

/** enum gpio_v2_line_flag. */
export const lineFlags = {
  USED: 1 << 0,
  ACTIVE_LOW: 1 << 1,
  INPUT: 1 << 2,
  OUTPUT: 1 << 3,
  EDGE_RISING: 1 << 4,
  EDGE_FALLING: 1 << 5,
  OPEN_DRAIN: 1 << 6,
  OPEN_SOURCE: 1 << 7,
  BIAS_PULL_UP: 1 << 8,
  BIAS_PULL_DOWN: 1 << 9,
  BIAS_DISABLED: 1 << 10,
} as const;

/** enum gpio_v2_line_attr_id. */
const ATTR_ID_OUTPUT_VALUES = 2;
const ATTR_ID_DEBOUNCE = 3;

/** enum gpio_v2_line_event_id. */
const EVENT_RISING_EDGE = 1;

/**
 * Edges that the kernel keeps for a line until they are read. 512 of them are the largest buffer that it allocates
 * without giving up early on fragmented memory (32 KiB, PAGE_ALLOC_COSTLY_ORDER); its cap is 1024, its default 16.
 */
export const EVENT_BUFFER_SIZE = 512;

const text = new TextDecoder();

/** The zero-terminated name at `at`; null when it is empty. */
function nameAt(bytes: Uint8Array, at: number): string | null {
  const field = bytes.subarray(at, at + NAME_BYTES);
  const end = field.indexOf(0);
  return text.decode(end < 0 ? field : field.subarray(0, end)) || null;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads a struct gpiochip_info. `lines` is how many lines the chip has. */
export function decodeChipInfo(bytes: Uint8Array): { readonly label: ChipInfo["label"]; readonly lines: number } {
  const at = fieldOffsets.gpiochip_info;
  return { label: nameAt(bytes, at.label) ?? "", lines: viewOf(bytes).getUint32(at.lines, true) };
}

/** A struct gpio_v2_line_info that asks for the line at `offset`. */
export function encodeLineInfoQuery(offset: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(structBytes.gpio_v2_line_info));
  viewOf(bytes).setUint32(fieldOffsets.gpio_v2_line_info.offset, offset, true);
  return bytes;
}

/** Reads a struct gpio_v2_line_info. */
export function decodeLineInfo(bytes: Uint8Array): LineInfo {
  const at = fieldOffsets.gpio_v2_line_info;
  const view = viewOf(bytes);
  return {
    offset: view.getUint32(at.offset, true),
    name: nameAt(bytes, at.name),
    used: (view.getUint32(at.flags, true) & lineFlags.USED) !== 0,
    consumer: nameAt(bytes, at.consumer),
  };
}

const biasFlag = {
  "as-is": 0,
  disabled: lineFlags.BIAS_DISABLED,
  "pull-up": lineFlags.BIAS_PULL_UP,
  "pull-down": lineFlags.BIAS_PULL_DOWN,
} as const;

const driveFlag = { "push-pull": 0, "open-drain": lineFlags.OPEN_DRAIN, "open-source": lineFlags.OPEN_SOURCE } as const;

/** The flags of enum gpio_v2_line_flag that ask for `settings`. As it is: none, which leaves the direction alone. */
export function flagsOf(settings: LineSettings): number {
  if (settings.direction === "as-is") return 0;
  const common = biasFlag[settings.bias] | (settings.activeLow ? lineFlags.ACTIVE_LOW : 0);
  return settings.direction === "out"
    ? common | lineFlags.OUTPUT | driveFlag[settings.drive]
    : common | lineFlags.INPUT | lineFlags.EDGE_RISING | lineFlags.EDGE_FALLING;
}

function writeConfig(settings: LineSettings, lines: number, bytes: Uint8Array): void {
  const view = viewOf(bytes);
  const at = fieldOffsets.gpio_v2_line_config;
  view.setBigUint64(at.flags, BigInt(flagsOf(settings)), true);
  const word = (field: number, low: number, high: number) => {
    view.setInt32(field, low, true);
    view.setInt32(field + 4, high, true);
  };
  const [lowMask, highMask] = [maskWord(lines, 0), maskWord(lines, 32)];
  const attribute = (id: number, low: number, high = 0) => {
    view.setUint32(at.num_attrs, 1, true);
    view.setUint32(at.attrs + fieldOffsets.gpio_v2_line_attribute.id, id, true);
    word(at.attrs + fieldOffsets.gpio_v2_line_attribute.value, low, high);
    word(at.attrs + fieldOffsets.gpio_v2_line_config_attribute.mask, lowMask, highMask);
  };
  if (settings.direction === "out") {
    attribute(ATTR_ID_OUTPUT_VALUES, lowWord(settings.initial) & lowMask, highWord(settings.initial) & highMask);
  }
  if (settings.direction === "in" && settings.debounceUs > 0) attribute(ATTR_ID_DEBOUNCE, settings.debounceUs);
}

/** A struct gpio_v2_line_config for a request of so many lines, all with these settings. */
export function encodeLineConfig(settings: LineSettings, lines: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(structBytes.gpio_v2_line_config));
  writeConfig(settings, lines, bytes);
  return bytes;
}

/** As many bytes of `name` as the kernel keeps, whole characters only, and none beyond a zero byte. */
function consumerBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(NAME_BYTES - 1);
  const { written } = new TextEncoder().encodeInto(name, bytes);
  return bytes.subarray(0, written);
}

/** A struct gpio_v2_line_request for the lines at `offsets`, all with these settings. A `consumer` beyond 31 bytes is cut there. */
export function encodeLineRequest(offsets: readonly number[], settings: LineSettings, consumer: string): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(structBytes.gpio_v2_line_request));
  const view = viewOf(bytes);
  const at = fieldOffsets.gpio_v2_line_request;
  for (const [index, offset] of offsets.entries()) view.setUint32(at.offsets + 4 * index, offset, true);
  bytes.set(consumerBytes(consumer), at.consumer);
  writeConfig(settings, offsets.length, bytes.subarray(at.config, at.config + structBytes.gpio_v2_line_config));
  view.setUint32(at.num_lines, offsets.length, true);
  // Whatever the line is at first: it may become an input, and its buffer is made for good with the request.
  view.setUint32(at.event_buffer_size, EVENT_BUFFER_SIZE, true);
  return bytes;
}

/** The descriptor of the lines, which the kernel has written into the struct gpio_v2_line_request. */
export function decodeRequestedFd(bytes: Uint8Array): number {
  return viewOf(bytes).getInt32(fieldOffsets.gpio_v2_line_request.fd, true);
}

/** A struct gpio_v2_line_values, of two words each: the bits, and the mask. Its levels are got and set by `readLevels` and `writeLevels`. */
export type LineValues = Int32Array;

/** A struct gpio_v2_line_values that names all of so many lines. */
export function encodeLineValues(lines: number): LineValues {
  const values = new Int32Array(new ArrayBuffer(structBytes.gpio_v2_line_values));
  values[valuesAt.mask] = maskWord(lines, 0);
  values[valuesAt.mask + 1] = maskWord(lines, 32);
  return values;
}

/** The levels in a struct gpio_v2_line_values of so many lines. */
export function readLevels(values: LineValues, lines: number): Levels {
  return levelsOfLines(values[valuesAt.bits] as number, values[valuesAt.bits + 1] as number, lines);
}

/**
 * Puts levels into a struct gpio_v2_line_values, in place: no BigInt on the path of every wave edge. Bits beyond the mask mean
 * nothing to the kernel.
 */
export function writeLevels(values: LineValues, levels: Levels): void {
  values[valuesAt.bits] = lowWord(levels);
  values[valuesAt.bits + 1] = highWord(levels);
}

/** Where the fields of a struct gpio_v2_line_values begin, in words of 32 bits. */
const valuesAt = { bits: fieldOffsets.gpio_v2_line_values.bits / 4, mask: fieldOffsets.gpio_v2_line_values.mask / 4 } as const;

/** A struct gpio_v2_line_event. */
export interface LineEvent {
  /** The line's offset on its chip. */
  readonly offset: number;
  /** The level after the edge. */
  readonly level: Level;
  /** CLOCK_MONOTONIC, ns. */
  readonly timestampNs: bigint;
  /** Counts the line's edges from 1, those that the kernel had to drop included; 32 bits, wrapping. */
  readonly lineSeqno: number;
}

/** Reads consecutive structs gpio_v2_line_event, as a read(2) of a line's descriptor gives them. */
export function decodeLineEvents(bytes: Uint8Array): LineEvent[] {
  const view = viewOf(bytes);
  const at = fieldOffsets.gpio_v2_line_event;
  return Array.from({ length: Math.floor(bytes.byteLength / structBytes.gpio_v2_line_event) }, (_, index) => {
    const start = index * structBytes.gpio_v2_line_event;
    return {
      offset: view.getUint32(start + at.offset, true),
      level: view.getUint32(start + at.id, true) === EVENT_RISING_EDGE ? 1 : 0,
      timestampNs: view.getBigUint64(start + at.timestamp_ns, true),
      lineSeqno: view.getUint32(start + at.line_seqno, true),
    };
  });
}
