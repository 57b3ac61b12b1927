import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { decode, encode, LENGTH_BYTES } from "../../src/protocol/codec.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { type Op, parseRequest, requestSchemas } from "../../src/protocol/requests.ts";
import { refusal } from "../refusal.ts";
import { anyMessage, anyRequest } from "./codec-messages.ts";

// Thousands of messages take seconds, and a busy machine takes longer.
setDefaultTimeout(240_000);

const body = (message: object) => encode(message).subarray(LENGTH_BYTES);
const hex = (digits: string) => Uint8Array.from(Buffer.from(digits.replaceAll(" ", ""), "hex"));
const uint32 = (value: number) => hex(value.toString(16).padStart(8, "0"));
const read = (bytes: Uint8Array) => decode(bytes, defaultLimits);

/** A message or a HoldfastError of the codec; anything else fails the test. */
function attempt(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    return read(bytes);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    expect(["BAD_CBOR", "LIMIT_DEPTH", "LIMIT_MESSAGE"]).toContain(error.code);
    return undefined;
  }
}

describe("any bytes give a message or a typed error", () => {
  test("arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void attempt(bytes)),
      { numRuns: 5000 },
    );
  });

  test("arbitrary bytes behind a map's initial byte and a key", () => {
    const start = fc.constantFrom(hex("a16161"), hex("a2616101"), hex("a1 63614e73"), hex("a1616181"));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 60 }), (head, tail) => void attempt(new Uint8Array([...head, ...tail]))),
      {
        numRuns: 5000,
      },
    );
  });

  test("a message with some bytes changed; what is still accepted survives another round", () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(anyMessage, fc.array(change, { minLength: 1, maxLength: 4 }), (message, changes) => {
        const bytes = body(message).slice();
        for (const [place, value] of changes) bytes[place % bytes.length] = value;
        const decoded = attempt(bytes);
        if (decoded !== undefined) expect(read(body(decoded))).toEqual(decoded);
      }),
      { numRuns: 2000 },
    );
  });

  test("a message cut short anywhere, or with bytes behind it, is BAD_CBOR", () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 }), (message, place, tail) => {
        const bytes = body(message);
        expect(refusal(() => read(bytes.subarray(0, place % bytes.length))).code).toBe("BAD_CBOR");
        expect(refusal(() => read(new Uint8Array([...bytes, ...tail]))).code).toBe("BAD_CBOR");
      }),
    );
  });

  test("a length or count beyond what remains is refused at once, at any width and nesting", () => {
    const initial = fc.constantFrom(0x40, 0x60, 0x80, 0xa0);
    const width = fc.constantFrom(24, 25, 26, 27);
    fc.assert(
      fc.property(initial, width, fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(6), (major, info, length, nesting) => {
        length[0] = 0xff;
        const bytes = new Uint8Array([...hex("a16161"), ...Array(nesting).fill(0x81), major | info, ...length]);
        expect(refusal(() => read(bytes)).code).toBe("BAD_CBOR");
      }),
    );
  });

  test("nested headers that each claim the rest of the message make nothing grow", () => {
    const bomb = new Uint8Array(defaultLimits.messageBytes).fill(0x9a);
    bomb.set(hex("a16161"));
    for (let at = 3; at + 5 <= bomb.length; at += 5) new DataView(bomb.buffer).setUint32(at + 1, bomb.length - at - 5);
    const limits = { ...defaultLimits, messageDepth: 1000 };
    expect(["BAD_CBOR", "LIMIT_DEPTH"]).toContain(refusal(() => decode(bomb, limits)).code);
  });

  test("nesting up to the limit is a message, one level more is LIMIT_DEPTH, and 64 KiB of it too", () => {
    const nested = (levels: number) => new Uint8Array([...hex("a16161"), ...Array(levels - 1).fill(0x81), 0x00]);
    expect(read(nested(defaultLimits.messageDepth))).toHaveProperty("a");
    expect(refusal(() => read(nested(defaultLimits.messageDepth + 1))).code).toBe("LIMIT_DEPTH");
    expect(refusal(() => read(nested(60_000))).code).toBe("LIMIT_DEPTH");
    expect(refusal(() => read(hex(`${"a16161".repeat(9)}00`))).code).toBe("LIMIT_DEPTH");
  });

  test("a message longer than the limit is LIMIT_MESSAGE", () => {
    const bytes = body({ text: "x".repeat(defaultLimits.messageBytes) });
    expect(refusal(() => read(bytes)).code).toBe("LIMIT_MESSAGE");
  });

  test("a map of very many keys is read, and one key twice in it is found, without quadratic work", () => {
    const keys = Array.from({ length: 150_000 }, (_, i) => i.toString(36).padStart(4, "0"));
    const bytes = (names: string[]) =>
      Buffer.concat([hex("ba"), uint32(names.length), ...names.map((name) => Buffer.from(`\x64${name}\0`))]);
    const limits = { messageBytes: 2 ** 20, messageDepth: 8 };
    const [distinct, twice] = [bytes(keys), bytes([...keys, "0000"])];
    const before = process.cpuUsage();
    expect(Object.keys(decode(distinct, limits))).toHaveLength(keys.length);
    expect(refusal(() => decode(twice, limits)).code).toBe("BAD_CBOR");
    // Comparing pairs would take ten thousand million steps.
    expect(process.cpuUsage(before).user).toBeLessThan(4_000_000);
  });
});

describe("what is encoded is decoded", () => {
  test("every message within the profile comes back equal", () => {
    fc.assert(
      fc.property(anyMessage, (message) => expect(read(body(message))).toEqual(message)),
      { numRuns: 1000 },
    );
  });

  test("a frame begins with the length of its message and is a buffer of its own", () => {
    fc.assert(
      fc.property(anyMessage, anyMessage, (first, second) => {
        const frame = encode(first);
        const before = frame.slice();
        encode(second);
        expect(frame).toEqual(before);
        expect(new DataView(frame.buffer, frame.byteOffset).getUint32(0)).toBe(frame.length - LENGTH_BYTES);
      }),
    );
  });

  test("a property that is undefined is not sent", () => {
    fc.assert(
      fc.property(anyMessage, fc.string(), (message, name) => {
        fc.pre(!(name in message) && name !== "__proto__");
        const frame = encode(message);
        expect(encode({ [name]: undefined, ...message })).toEqual(frame);
        expect(encode({ ...message, [name]: undefined })).toEqual(frame);
      }),
    );
  });

  test("byte strings are copies: later messages and the caller's buffer do not reach them", () => {
    const bytes = body({ payload: new Uint8Array([1, 2, 3]) }).slice();
    const { payload } = read(bytes) as { payload: Uint8Array };
    bytes.fill(0xff);
    read(body({ payload: new Uint8Array([9, 9, 9]) }));
    expect(payload).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("integers keep their value in whichever width they come, and have the type of their field", () => {
    const widths: [number, (value: bigint) => string][] = [
      [0x18, (value) => value.toString(16).padStart(2, "0")],
      [0x19, (value) => value.toString(16).padStart(4, "0")],
      [0x1a, (value) => value.toString(16).padStart(8, "0")],
      [0x1b, (value) => value.toString(16).padStart(16, "0")],
    ];
    fc.assert(
      fc.property(fc.bigInt(0n, 255n), fc.constantFrom(...widths), (value, [initial, digits]) => {
        const at = (key: string, major: number) =>
          hex(`a1 63 ${Buffer.from(key).toString("hex")} ${(initial | major).toString(16)} ${digits(value)}`);
        expect(read(at("abc", 0))).toEqual({ abc: Number(value) });
        expect(read(at("abc", 0x20))).toEqual({ abc: Number(-1n - value) });
        expect(read(at("aNs", 0))).toEqual({ aNs: value });
        expect(refusal(() => read(at("aNs", 0x20))).details.field).toBe("aNs");
      }),
    );
  });

  test("an integer beyond 2^53 is BAD_CBOR naming the field, except in a field of nanoseconds", () => {
    expect(read(body({ a: Number.MAX_SAFE_INTEGER, b: Number.MIN_SAFE_INTEGER, tNs: 2n ** 64n - 1n }))).toEqual({
      a: Number.MAX_SAFE_INTEGER,
      b: Number.MIN_SAFE_INTEGER,
      tNs: 2n ** 64n - 1n,
    });
    for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 64n - 1n, -(2n ** 64n)]) {
      const error = refusal(() => read(body({ steps: [{ ms: value }] })));
      expect([error.code, error.details.field]).toEqual(["BAD_CBOR", "steps.0.ms"]);
    }
  });

  test("an integer is sent as one as far as a number is exact, so that other languages see no float", () => {
    for (const [value, digits] of [
      [2 ** 32 - 1, "1affffffff"],
      [2 ** 32, "1b0000000100000000"],
      [-(2 ** 32), "3affffffff"],
      [-(2 ** 32) - 1, "3b0000000100000000"],
      [Number.MAX_SAFE_INTEGER, "1b001fffffffffffff"],
      [2 ** 53, "fb4340000000000000"],
      [0.5, "fb3fe0000000000000"],
    ] as const) {
      expect(body({ v: value })).toEqual(hex(`a16176${digits}`));
    }
  });

  test("text is made well-formed on the way out", () => {
    expect(read(body({ "k\ud800": "a\udc00", b: "\ufeffmark" }))).toEqual({ "k\ufffd": "a\ufffd", b: "mark" });
  });

  test("what no message can carry is BAD_FIELD naming the field, a cycle LIMIT_DEPTH", () => {
    for (const bad of [() => {}, Symbol("s"), new Date(), new Map(), 2n ** 64n, [undefined]]) {
      const error = refusal(() => encode({ id: 1, inner: { bad } }));
      expect([error.code, error.details.field]).toEqual(["BAD_FIELD", "bad"]);
    }
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(refusal(() => encode(cycle)).code).toBe("LIMIT_DEPTH");
  });
});

/** RFC 8949, Appendix A: encodings within the profile, by hand, as the value of a field. */
const examples: [string, unknown][] = [
  ["00", 0],
  ["17", 23],
  ["1818", 24],
  ["1903e8", 1000],
  ["1a000f4240", 1_000_000],
  ["1b000000e8d4a51000", 1_000_000_000_000],
  ["20", -1],
  ["3863", -100],
  ["3903e7", -1000],
  ["f90000", 0],
  ["f93c00", 1],
  ["fb3ff199999999999a", 1.1],
  ["f93e00", 1.5],
  ["f97bff", 65504],
  ["fa47c35000", 100000],
  ["fa7f7fffff", 3.4028234663852886e38],
  ["fb7e37e43c8800759c", 1e300],
  ["f90001", 2 ** -24],
  ["f90400", 2 ** -14],
  ["f9c400", -4],
  ["fbc010666666666666", -4.1],
  ["f97c00", Number.POSITIVE_INFINITY],
  ["f97e00", Number.NaN],
  ["faff800000", Number.NEGATIVE_INFINITY],
  ["fb7ff8000000000000", Number.NaN],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["40", new Uint8Array([])],
  ["4401020304", new Uint8Array([1, 2, 3, 4])],
  ["60", ""],
  ["6449455446", "IETF"],
  ["62225c", '"\\'],
  ["62c3bc", "ü"],
  ["63e6b0b4", "水"],
  ["64f0908591", "𐅑"],
  ["80", []],
  ["8301820203820405", [1, [2, 3], [4, 5]]],
  ["98190102030405060708090a0b0c0d0e0f101112131415161718181819", Array.from({ length: 25 }, (_, i) => i + 1)],
  ["a0", {}],
  ["a26161016162820203", { a: 1, b: [2, 3] }],
  ["826161a161626163", ["a", { b: "c" }]],
];

/** RFC 8949, Appendix A and F: encodings outside the profile, or not well-formed. */
const outside: [string, string][] = [
  ["an integer beyond 2^53", "1bffffffffffffffff"],
  ["a bignum", "c249010000000000000000"],
  ["a date", "c074323031332d30332d32315432303a30343a30305a"],
  ["a self-described item", "d9d9f700"],
  ["an embedded item", "d818456449455446"],
  ["undefined", "f7"],
  ["an unassigned simple value", "f0"],
  ["an unassigned simple value in two bytes", "f8ff"],
  ["a reserved simple value", "f818"],
  ["false in two bytes", "f814"],
  ["an indefinite byte string", "5f42010243030405ff"],
  ["an indefinite text", "7f657374726561646d696e67ff"],
  ["an indefinite array", "9f018202039f0405ffff"],
  ["an indefinite map", "bf61610161629f0203ffff"],
  ["a map with integer keys", "a201020304"],
  ["a map with one key twice", "a2616101616102"],
  ["a map with one key twice, in two widths", "a2616101780161 02"],
  ["a map with a reserved key", "a1695f5f70726f746f5f5f00"],
  ["a lone break", "ff"],
  ["a break for an element", "82ff00"],
  ["a reserved initial byte", "1c"],
  ["a reserved initial byte of a float", "fc"],
  ["an overlong text", "62c080"],
  ["a surrogate in a text", "63eda080"],
  ["a text beyond Unicode", "64f4908080"],
  ["a text cut within a character", "62e6b0"],
  ["a byte order mark", "63efbbbf"],
  ["a cut integer", "19ff"],
  ["a cut float", "fb0000"],
];

describe("the profile of RFC 8949", () => {
  for (const [digits, value] of examples) {
    test(`${digits} is ${typeof value === "object" ? JSON.stringify(value) : String(value)}`, () => {
      expect(read(hex(`a16176${digits}`))).toEqual({ v: value });
    });
  }

  for (const [what, digits] of outside) {
    test(`${what} is refused, and its field named`, () => {
      const error = refusal(() => read(hex(`a16176${digits}`)));
      expect(error.code).toBe("BAD_CBOR");
      expect(error.details.field).toStartWith("v");
      expect(error.details["offset"]).toBeGreaterThan(2);
    });
  }

  test("an error names the field that was being read, or the map whose key is wrong", () => {
    const field = (digits: string) => refusal(() => read(hex(digits))).details.field;
    expect(field("a2 6161 01 01 02")).toBeUndefined();
    expect(field("a1 6176 a2 6161 01 01 02")).toBe("v");
    expect(field("a2 6176 a1 6161 8100 6177 f7")).toBe("w");
    expect(field("a1 6176 82 a1 6161 00 a1 6162 f7")).toBe("v.1.b");
    expect(field("a1 6176 82 8100 f7")).toBe("v.1");
  });

  test("a message that is not a map is refused", () => {
    for (const digits of ["", "00", "80", "6161", "f6", "40", "ff"]) expect(refusal(() => read(hex(digits))).code).toBe("BAD_CBOR");
  });
});

describe("requests over the wire", () => {
  test("every valid request arrives as it was sent", () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        expect(parseRequest(read(body(request))) as Record<string, unknown>).toEqual(request);
      }),
      { numRuns: 500 },
    );
  });

  test("a field too many, too few or of a wrong type gives an error that names it", () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(), (request, which) => {
        const named = (mutated: object) => {
          const error = refusal(() => parseRequest(read(body(mutated))));
          return [error.code, error.details.field];
        };
        expect(named({ ...request, durationms: 1 })).toEqual(["UNKNOWN_FIELD", "durationms"]);

        // A time that is no integer is refused with the bytes, before anybody asks for fields.
        const fields = Object.keys(request).filter((name) => !name.endsWith("Ns"));
        const field = fields[which % fields.length] as string;
        const isMap = Object.getPrototypeOf(request[field] ?? 0) === Object.prototype;
        const wrong = field === "value" ? Number.NaN : isMap ? "not this" : { not: "this" };
        expect(named({ ...request, [field]: wrong })).toEqual(["BAD_FIELD", field]);

        const { shape } = requestSchemas[request["op"] as Op];
        const needed = fields.filter((name) => !shape[name as keyof typeof shape].safeParse(undefined).success);
        const missing = needed[which % needed.length] as string;
        expect(named({ ...request, [missing]: undefined })).toEqual(["MISSING_FIELD", missing]);
      }),
      { numRuns: 500 },
    );
  });
});
