import { expect, test } from "bun:test";
import { Encoder } from "cbor-x/index-no-eval";
import fc from "fast-check";
import { decodeMap } from "../../src/protocol/cbor-decoder.ts";

const reference = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false });

/** An initial byte and its argument, in any width that has room for it. */
function head(major: number, argument: number): fc.Arbitrary<number[]> {
  const widths = [1, 2, 4, 8].filter((width) => argument < 256 ** width);
  const long = fc.constantFrom(...widths).map((width) => {
    const digits = argument.toString(16).padStart(2 * width, "0");
    return [(major << 5) | (24 + Math.log2(width)), ...Buffer.from(digits, "hex")];
  });
  return argument < 24 ? fc.oneof(fc.constant<number[]>([(major << 5) | argument]), long) : long;
}

function text(value: string): fc.Arbitrary<number[]> {
  const bytes = [...Buffer.from(value)];
  return head(3, bytes.length).map((start) => [...start, ...bytes]);
}

const integer = fc.tuple(
  fc.constantFrom(0, 1),
  fc.maxSafeNat().filter((value) => value < Number.MAX_SAFE_INTEGER),
);
const float = fc.constantFrom(25, 26, 27).chain((info) => {
  const size = 1 << (info - 24);
  return fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => [0xe0 | info, ...bytes]);
});
const anyText = fc
  .oneof(fc.string({ unit: "grapheme", maxLength: 40 }), fc.string({ maxLength: 30 }))
  .filter((value) => !value.startsWith("\ufeff"));

/** The bytes of any item that the profile allows, each length and integer in any width. */
const { map } = fc.letrec<{ item: number[]; map: number[] }>((tie) => ({
  item: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<number[]>([0xf4], [0xf5], [0xf6]),
    integer.chain(([major, value]) => head(major, value)),
    float,
    anyText.chain(text),
    fc.uint8Array({ maxLength: 30 }).chain((bytes) => head(2, bytes.length).map((start) => [...start, ...bytes])),
    fc.array(tie("item"), { maxLength: 5 }).chain((items) => head(4, items.length).map((start) => [...start, ...items.flat()])),
    tie("map"),
  ),
  map: fc
    .uniqueArray(
      fc.tuple(
        anyText.filter((key) => !key.endsWith("Ns") && key !== "__proto__"),
        tie("item"),
      ),
      { maxLength: 6, selector: ([key]) => key },
    )
    .chain((entries) =>
      fc
        .tuple(head(5, entries.length), ...entries.map(([key, item]) => text(key).map((bytes) => [...bytes, ...item])))
        .map((parts) => parts.flat()),
    ),
}));

/** What cbor-x makes of the same bytes: it gives a bigint for each integer of 8 bytes. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

test("whatever the profile allows is decoded as cbor-x decodes it", () => {
  fc.assert(
    fc.property(map, (bytes) => {
      expect(decodeMap(Uint8Array.from(bytes), 64)).toEqual(plain(reference.decode(Uint8Array.from(bytes))) as Record<string, unknown>);
    }),
    { numRuns: 3000 },
  );
});
