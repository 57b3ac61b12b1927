import fc from "fast-check";
import { z } from "zod";
import { MAX_DURATION_MS, MIN_DURATION_MS } from "../../src/protocol/limits.ts";
import { type Op, requestSchemas } from "../../src/protocol/requests.ts";

/** Text as the protocol carries it: well-formed, no byte order mark in front. */
const text = fc.string({ unit: "binary", maxLength: 80 }).filter((value) => !value.startsWith("\ufeff"));
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double().map((value) => (value === 0 ? 0 : value)),
);
const plainName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$/);
const shortText = text.map((value) => value.slice(0, 4)).filter((value) => value.isWellFormed());
/** What begins as some texts must: with a kind of address, or as a path. */
const place = fc.oneof(
  fc.constant("supervisor"),
  fc.tuple(fc.constantFrom("pin/", "pool/", "process/", "camera/", "actor/", "/"), plainName).map((words) => words.join("")),
  fc.tuple(plainName, fc.nat(999)).map(([pool, slot]) => `pool/${pool}/slot/${slot}`),
  fc.nat().map((client) => `client/${client}`),
);
const timestampNs = fc.bigInt(0n, 2n ** 64n - 1n);
const key = text.filter((name) => !name.endsWith("Ns") && name !== "__proto__");
const nsKey = key.map((name) => `${name}Ns`);

/** Any message within the profile and within 8 levels, in the types that `decode` gives. */
export const anyMessage: fc.Arbitrary<Record<string, unknown>> = fc.letrec<{ map: Record<string, unknown>; value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 5 },
    fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.uint8Array({ maxLength: 40 })),
    fc.array(tie("value"), { maxLength: 5 }),
    tie("map"),
  ),
  map: fc
    .tuple(fc.dictionary(key, tie("value"), { maxKeys: 6, noNullPrototype: true }), fc.dictionary(nsKey, timestampNs, { maxKeys: 2 }))
    .map(([plain, timed]) => ({ ...plain, ...timed })),
})).map;

/** What a program may say of its own, all in finite numbers. */
const anyValue = anyMessage.map(({ value, ...others }) => value ?? others);

/** What a schema accepts, and nothing that it refuses. Knows the kinds of schema that the requests are made of. */
export function accepted(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  if (schema instanceof z.ZodOptional) return fc.option(accepted(schema.unwrap()), { nil: undefined });
  if (schema instanceof z.ZodNullable) return fc.option(accepted(schema.unwrap()), { nil: null });
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values);
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodUnion) return fc.oneof(...schema.options.map(accepted));
  if (schema instanceof z.ZodUnknown) return anyValue.filter((value) => schema.safeParse(value).success);
  if (schema instanceof z.ZodBoolean) return fc.boolean();
  if (schema instanceof z.ZodString) return fc.oneof(text, plainName, shortText, place).filter((value) => schema.safeParse(value).success);
  if (schema instanceof z.ZodBigInt) return timestampNs;
  if (schema instanceof z.ZodRecord) {
    const plain = fc.dictionary(key, fc.oneof(text, number, fc.boolean()), { maxKeys: 4, noNullPrototype: true });
    return fc.tuple(plain, fc.dictionary(nsKey, timestampNs, { maxKeys: 2 })).map(([some, timed]) => ({ ...some, ...timed }));
  }
  if (schema instanceof z.ZodArray) return fc.array(accepted(schema.element), { minLength: 1, maxLength: 6 });
  if (schema instanceof z.ZodNumber) {
    const min = schema.minValue ?? 0;
    const max = schema.maxValue ?? Number.MAX_SAFE_INTEGER;
    if (schema.isInt) return fc.oneof(fc.integer({ min: Math.ceil(min), max: 100 }), fc.integer({ min: Math.ceil(min), max }));
    if (max === MAX_DURATION_MS)
      return fc.oneof(fc.double({ min, max: 1e6, noNaN: true }), fc.constantFrom(1, MIN_DURATION_MS, MAX_DURATION_MS));
    return fc.double({ min, max, noNaN: true }).map((value) => (value === 0 ? 0 : value));
  }
  if (schema instanceof z.ZodObject) {
    return fc
      .record(Object.fromEntries(Object.entries(schema.shape).map(([name, field]) => [name, accepted(field as z.ZodType)])))
      .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)))
      .filter((record) => schema.safeParse(record).success);
  }
  throw new Error(`no values are known for the schema kind ${schema._zod.def.type}`);
}

/** Any valid request of any operation. */
export const anyRequest: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  ...(Object.keys(requestSchemas) as Op[]).map((op) => accepted(requestSchemas[op]) as fc.Arbitrary<Record<string, unknown>>),
);
