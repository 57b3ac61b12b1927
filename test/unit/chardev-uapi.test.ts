import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { InputSettings, LineSettings, OutputSettings } from "../../src/gpio/backend.ts";
import {
  decodeChipInfo,
  decodeLineEvents,
  decodeLineInfo,
  decodeRequestedFd,
  EVENT_BUFFER_SIZE,
  encodeLineConfig,
  encodeLineInfoQuery,
  encodeLineRequest,
  encodeLineValues,
  fieldOffsets,
  flagsOf,
  ioctls,
  readLevels,
  structBytes,
  writeLevels,
} from "../../src/gpio/chardev/uapi.ts";
import { eachLevel, levelsOf } from "../../src/gpio/levels.ts";
import type { Level } from "../../src/protocol/requests.ts";

const output: OutputSettings = { direction: "out", activeLow: false, bias: "as-is", drive: "push-pull", initial: 0 };
const input: InputSettings = { direction: "in", activeLow: false, bias: "as-is", debounceUs: 0 };

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The default flags of a gpio_v2_line_config at `at`, and its attributes, as the kernel reads them. */
function configAt(bytes: Uint8Array, at: number) {
  const config = view(bytes);
  const attribute = (index: number) => ({
    id: config.getUint32(at + 32 + index * 24, true),
    padding: config.getUint32(at + 36 + index * 24, true),
    value: config.getBigUint64(at + 40 + index * 24, true),
    mask: config.getBigUint64(at + 48 + index * 24, true),
  });
  const count = config.getUint32(at + 8, true);
  return { flags: config.getBigUint64(at, true), attributes: Array.from({ length: count }, (_, index) => attribute(index)) };
}

function bytesOfStruct(bytes: number, fields: readonly (readonly [at: number, value: string | number | bigint])[]): Uint8Array {
  const struct = new Uint8Array(bytes);
  for (const [at, value] of fields) {
    if (typeof value === "string") struct.set(new TextEncoder().encode(value), at);
    else if (typeof value === "bigint") view(struct).setBigUint64(at, value, true);
    else view(struct).setUint32(at, value, true);
  }
  return struct;
}

describe("the layout is that of <linux/gpio.h>, compiled for a 64-bit machine", () => {
  test("structs have the sizes that sizeof gives", () => {
    expect(structBytes).toEqual({
      gpiochip_info: 68,
      gpio_v2_line_info: 256,
      gpio_v2_line_attribute: 16,
      gpio_v2_line_config_attribute: 24,
      gpio_v2_line_config: 272,
      gpio_v2_line_request: 592,
      gpio_v2_line_values: 16,
      gpio_v2_line_event: 48,
    });
  });

  test("fields begin where offsetof says", () => {
    expect(fieldOffsets).toEqual({
      gpiochip_info: { label: 32, lines: 64 },
      gpio_v2_line_info: { name: 0, consumer: 32, offset: 64, flags: 72 },
      gpio_v2_line_attribute: { id: 0, value: 8 },
      gpio_v2_line_config_attribute: { attr: 0, mask: 16 },
      gpio_v2_line_config: { flags: 0, num_attrs: 8, attrs: 32 },
      gpio_v2_line_request: { offsets: 0, consumer: 256, config: 288, num_lines: 560, event_buffer_size: 564, fd: 588 },
      gpio_v2_line_values: { bits: 0, mask: 8 },
      gpio_v2_line_event: { timestamp_ns: 0, id: 8, offset: 12, seqno: 16, line_seqno: 20 },
    });
  });

  test("requests of ioctl have the numbers that the header's macros give", () => {
    expect(ioctls).toEqual({
      GPIO_GET_CHIPINFO_IOCTL: 0x8044b401,
      GPIO_V2_GET_LINEINFO_IOCTL: 0xc100b405,
      GPIO_V2_GET_LINE_IOCTL: 0xc250b407,
      GPIO_V2_LINE_SET_CONFIG_IOCTL: 0xc110b40d,
      GPIO_V2_LINE_GET_VALUES_IOCTL: 0xc010b40e,
      GPIO_V2_LINE_SET_VALUES_IOCTL: 0xc010b40f,
    });
  });
});

describe("what the kernel answers is read", () => {
  test("a chip has its label and its number of lines", () => {
    const info = bytesOfStruct(68, [
      [0, "gpiochip0"],
      [32, "pinctrl-bcm2711"],
      [64, 58],
    ]);
    expect(decodeChipInfo(info)).toEqual({ label: "pinctrl-bcm2711", lines: 58 });
  });

  test("a line in use says who has it", () => {
    const info = bytesOfStruct(256, [
      [0, "GPIO17"],
      [32, "conveyor"],
      [64, 17],
      [72, 0b1001n],
    ]);
    expect(decodeLineInfo(info)).toEqual({ offset: 17, name: "GPIO17", used: true, consumer: "conveyor" });
  });

  test("a line without a name or a consumer has null for them", () => {
    expect(decodeLineInfo(encodeLineInfoQuery(3))).toEqual({ offset: 3, name: null, used: false, consumer: null });
  });

  test("a name that fills its field needs no zero at its end", () => {
    const info = bytesOfStruct(256, [
      [0, "n".repeat(32)],
      [32, "c".repeat(32)],
    ]);
    expect(decodeLineInfo(info)).toMatchObject({ name: "n".repeat(32), consumer: "c".repeat(32) });
  });

  test("any events come out as they went in, whatever their number", () => {
    const event = fc.record({
      offset: fc.nat(2 ** 32 - 1),
      level: fc.constantFrom(0 as const, 1 as const),
      timestampNs: fc.bigInt(0n, 2n ** 64n - 1n),
      lineSeqno: fc.nat(2 ** 32 - 1),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 64 }), (events) => {
        const bytes = Buffer.concat(
          events.map(({ offset, level, timestampNs, lineSeqno }) =>
            bytesOfStruct(48, [
              [0, timestampNs],
              [8, level === 1 ? 1 : 2],
              [12, offset],
              [16, 7],
              [20, lineSeqno],
            ]),
          ),
        );
        expect(decodeLineEvents(bytes)).toEqual(events);
      }),
    );
  });
});

describe("a request asks the kernel for what the settings say", () => {
  test("an output carries its first level, so that opening drives no glitch", () => {
    const request = encodeLineRequest([17], { ...output, drive: "open-drain", bias: "pull-up", initial: 1 }, "holdfast");
    expect(request).toHaveLength(592);
    expect(view(request).getUint32(0, true)).toBe(17);
    expect(view(request).getUint32(560, true)).toBe(1);
    // It may become an input later, and the request is then what it is.
    expect(view(request).getUint32(564, true)).toBe(EVENT_BUFFER_SIZE);
    expect(configAt(request, 288)).toEqual({
      flags: BigInt((1 << 3) | (1 << 6) | (1 << 8)),
      attributes: [{ id: 2, padding: 0, value: 1n, mask: 1n }],
    });
  });

  test("an input asks for both edges, a buffer for them and its debounce", () => {
    const request = encodeLineRequest([4], { ...input, activeLow: true, bias: "pull-down", debounceUs: 5000 }, "holdfast");
    expect(view(request).getUint32(564, true)).toBe(EVENT_BUFFER_SIZE);
    expect(configAt(request, 288)).toEqual({
      flags: BigInt((1 << 1) | (1 << 2) | (1 << 4) | (1 << 5) | (1 << 9)),
      attributes: [{ id: 3, padding: 0, value: 5000n, mask: 1n }],
    });
  });

  test("no debounce is no attribute", () => {
    expect(configAt(encodeLineConfig(input, 1), 0).attributes).toEqual([]);
  });

  test("a line as it is has no flag at all, so that its direction stays", () => {
    expect(configAt(encodeLineConfig({ direction: "as-is" }, 1), 0)).toEqual({ flags: 0n, attributes: [] });
  });

  test("each bias and drive is a flag of its own, and as-is is none", () => {
    expect(flagsOf({ ...output, bias: "disabled" })).toBe((1 << 3) | (1 << 10));
    expect(flagsOf({ ...output, drive: "open-source" })).toBe((1 << 3) | (1 << 7));
    expect(flagsOf(output)).toBe(1 << 3);
  });

  test("any settings fill the configuration of a request as they fill one alone, and no byte around it", () => {
    const settings: fc.Arbitrary<LineSettings> = fc.oneof(
      fc.record({
        direction: fc.constant("out" as const),
        activeLow: fc.boolean(),
        bias: fc.constantFrom("as-is", "disabled", "pull-up", "pull-down"),
        drive: fc.constantFrom("push-pull", "open-drain", "open-source"),
        initial: fc.constantFrom(0 as const, 1 as const),
      }),
      fc.record({
        direction: fc.constant("in" as const),
        activeLow: fc.boolean(),
        bias: fc.constantFrom("as-is", "disabled", "pull-up", "pull-down"),
        debounceUs: fc.nat(2 ** 32 - 1),
      }),
    );
    fc.assert(
      fc.property(settings, fc.array(fc.nat(1000), { minLength: 1, maxLength: 64 }), (asked, offsets) => {
        const request = encodeLineRequest(offsets, asked, "");
        expect(offsets.map((_, index) => view(request).getUint32(4 * index, true))).toEqual(offsets);
        expect(view(request).getUint32(560, true)).toBe(offsets.length);
        expect(request.subarray(288, 560)).toEqual(encodeLineConfig(asked, offsets.length));
        expect(request.subarray(4 * offsets.length, 288).every((byte) => byte === 0)).toBe(true);
        expect(request.subarray(568).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  test("any consumer keeps 31 bytes at most, whole characters, with a zero after them", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (consumer) => {
        const field = encodeLineRequest([0], output, consumer).subarray(256, 288);
        const kept = new TextDecoder("utf-8", { fatal: true }).decode(field.subarray(0, 31)).replace(/\0+$/, "");
        expect(field[31]).toBe(0);
        expect(consumer.startsWith(kept)).toBe(true);
        expect(Buffer.byteLength(consumer) > 31 || kept === consumer.replace(/\0+$/, "")).toBe(true);
      }),
    );
  });

  test("the line's descriptor is what the kernel wrote last into the request", () => {
    const request = encodeLineRequest([0], output, "holdfast");
    view(request).setInt32(588, 23, true);
    expect(decodeRequestedFd(request)).toBe(23);
  });
});

test("the levels of any lines are written and read in place, in the order of the request", () => {
  const levels = fc.array(fc.constantFrom<Level>(0, 1), { minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(levels, levels, (first, second) => {
      const values = encodeLineValues(first.length);
      const word = (at: number) => new DataView(values.buffer).getBigUint64(at, true);
      const mask = (1n << BigInt(first.length)) - 1n;
      expect(word(8)).toBe(mask);
      for (const each of [first, first.map((_, index) => second[index] ?? 0)]) {
        writeLevels(values, levelsOf(each));
        expect(word(0) & mask).toBe(BigInt(`0b${each.toReversed().join("")}`));
        expect(eachLevel(readLevels(values, each.length), each.length)).toEqual(each);
      }
    }),
  );
});

test("an output of several lines carries the first level of each", () => {
  const initial = levelsOf([1, 0, 1]);
  expect(configAt(encodeLineRequest([17, 27, 22], { ...output, initial }, "holdfast"), 288).attributes).toEqual([
    { id: 2, padding: 0, value: 0b101n, mask: 0b111n },
  ]);
  const everyone = Array.from({ length: 64 }, (_, offset) => offset);
  expect(configAt(encodeLineRequest(everyone, { ...output, initial: 1 }, "holdfast"), 288).attributes).toEqual([
    { id: 2, padding: 0, value: 2n ** 64n - 1n, mask: 2n ** 64n - 1n },
  ]);
});
