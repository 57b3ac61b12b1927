import { describe, expect, test } from "bun:test";
import type { HoldfastError } from "../../src/protocol/errors.ts";
import { MAX_CYCLES, MAX_DEBOUNCE_US, MAX_DURATION_MS, MAX_NAME_LENGTH, MAX_STEPS, MIN_DURATION_MS } from "../../src/protocol/limits.ts";
import { parseRequest } from "../../src/protocol/requests.ts";
import { refusal } from "../refusal.ts";

/** The code and the field of the error that this message gives. */
function refused(message: Record<string, unknown>): unknown[] {
  const { code, details } = refusal(() => parseRequest(message));
  return [code, details.field];
}

const on = { id: 1, op: "on", pin: "GPIO17" };
const blink = { id: 1, op: "blink", pin: "GPIO17", onMs: 250, offMs: 250 };
const pattern = { id: 1, op: "pattern", pin: "GPIO17", steps: [{ level: 1, ms: 10 }] };
const open = { id: 1, op: "open", pin: "GPIO17", direction: "out" };

describe("a request", () => {
  test("is taken as it is", () => {
    for (const request of [on, blink, pattern, open]) expect(parseRequest(request) as object).toEqual(request);
  });

  test("needs an operation that exists", () => {
    expect(refused({ id: 1 })).toEqual(["MISSING_FIELD", "op"]);
    expect(refused({ id: 1, op: 7 })).toEqual(["BAD_FIELD", "op"]);
    for (const op of ["", "On", "blnk", "constructor", "__proto__", "toString"])
      expect(refused({ id: 1, op })).toEqual(["UNKNOWN_OP", "op"]);
  });

  test("of an unknown operation is told the known ones, and gets at most the start of its own back", () => {
    try {
      parseRequest({ id: 1, op: "x".repeat(10_000) });
    } catch (error) {
      expect((error as HoldfastError).message.length).toBeLessThan(200);
      expect((error as HoldfastError).details.known).toContain("blink");
    }
  });

  test("needs an id that is a natural number", () => {
    expect(refused({ op: "ping" })).toEqual(["MISSING_FIELD", "id"]);
    for (const id of [-1, 1.5, "1", null, 5n, Number.NaN, 2 ** 53]) expect(refused({ id, op: "ping" })).toEqual(["BAD_FIELD", "id"]);
  });

  test("with a mistyped field is refused: `durationms` would be an endless relay", () => {
    expect(refused({ ...on, durationms: 500 })).toEqual(["UNKNOWN_FIELD", "durationms"]);
    expect(refused({ ...pattern, steps: [{ level: 1, ms: 10, us: 1 }] })).toEqual(["UNKNOWN_FIELD", "steps.0.us"]);
  });

  test("with a field of many thousand characters is refused with the start of it only", () => {
    expect(refused({ ...on, ["x".repeat(60_000)]: 1 })).toEqual(["UNKNOWN_FIELD", "x".repeat(MAX_NAME_LENGTH)]);
  });

  test("without a field that it needs is refused, also deep within", () => {
    expect(refused({ id: 1, op: "on" })).toEqual(["MISSING_FIELD", "pin"]);
    expect(refused({ id: 1, op: "blink", pin: "GPIO17", onMs: 1 })).toEqual(["MISSING_FIELD", "offMs"]);
    expect(refused({ ...pattern, steps: [{ level: 1, ms: 10 }, { level: 0 }] })).toEqual(["MISSING_FIELD", "steps.1.ms"]);
  });

  test("names each line of a pin in 64 characters at most", () => {
    for (const pin of ["", "x".repeat(MAX_NAME_LENGTH + 1), 17, null]) expect(refused({ ...on, pin })).toEqual(["BAD_FIELD", "pin"]);
    const group = Array.from({ length: 64 }, () => "x".repeat(MAX_NAME_LENGTH)).join("+");
    expect(parseRequest({ ...on, pin: group }) as object).toMatchObject({ pin: group });
    expect(refused({ ...on, pin: `${group}+GPIO4` })).toEqual(["BAD_FIELD", "pin"]);
  });

  test("says in each step of a pattern what all lines do, or what each does, and not both", () => {
    const steps = [{ level: 1, ms: 10 }, { levels: [1, 0], ms: 10 }]; // biome-ignore format: two steps
    expect(parseRequest({ id: 1, op: "pattern", pin: "GPIO4+GPIO5", steps }) as object).toMatchObject({ steps });
    const refusedStep = (step: object) => refused({ id: 1, op: "pattern", pin: "GPIO4+GPIO5", steps: [step] });
    expect(refusedStep({ ms: 10 })).toEqual(["MISSING_FIELD", "steps.0.level"]);
    expect(refusedStep({ level: 1, levels: [1, 0], ms: 10 })).toEqual(["BAD_FIELD", "steps.0.level"]);
  });
});

describe("a client's name", () => {
  const hello = { id: 1, op: "hello", protocol: 1 };

  test("may be any text for people", () => {
    for (const name of ["conveyor", "Förderband 2", "ポンプ", "x".repeat(MAX_NAME_LENGTH)])
      expect(parseRequest({ ...hello, name }) as object).toMatchObject({ name });
  });

  test("holds nothing that turns text round, be it of a client or of a group", () => {
    for (const text of ["\u202egpj.exe", "a\u2066b", "\u200f"]) {
      expect(refused({ id: 1, op: "hello", protocol: 1, name: text })).toEqual(["BAD_FIELD", "name"]);
      expect(refused({ id: 1, op: "frames.subscribe", pool: "cam0", group: text })).toEqual(["BAD_FIELD", "group"]);
    }
  });

  test("holds no control character, which a terminal would obey", () => {
    for (const name of ["\x1b[2J", "a\nb", "a\0", "\x7f", "\u009b31m", ""])
      expect(refused({ ...hello, name })).toEqual(["BAD_FIELD", "name"]);
    expect(() => parseRequest({ ...hello, name: "a\nb" })).toThrow("hello: name: must not hold control characters");
  });
});

describe("a duration", () => {
  test("may be fractional, down to a microsecond, up to ten years", () => {
    for (const durationMs of [0.5, MIN_DURATION_MS, MAX_DURATION_MS])
      expect(parseRequest({ ...on, durationMs }) as object).toMatchObject({ durationMs });
  });

  test("is refused when it is not a time", () => {
    for (const durationMs of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      -1,
      0,
      0.0001,
      MAX_DURATION_MS * 2,
      "1s",
      null,
      5n,
    ]) {
      expect(refused({ ...on, durationMs })).toEqual(["BAD_FIELD", "durationMs"]);
    }
  });
});

describe("a wave", () => {
  test("has at least one cycle and at most a thousand million", () => {
    expect(parseRequest({ ...blink, n: MAX_CYCLES }) as object).toMatchObject({ n: MAX_CYCLES });
    for (const n of [0, -1, 1.5, MAX_CYCLES + 1, Number.POSITIVE_INFINITY, 3n])
      expect(refused({ ...blink, n })).toEqual(["BAD_FIELD", "n"]);
  });

  test("with a cycle below 0.1 ms or beyond ten years is refused", () => {
    expect(refused({ ...blink, onMs: 0.04, offMs: 0.04 })).toEqual(["BAD_FIELD", "onMs"]);
    expect(refused({ ...blink, onMs: MAX_DURATION_MS, offMs: 1 })).toEqual(["BAD_FIELD", "onMs"]);
    expect(refused({ id: 1, op: "pulse", pin: "GPIO17", fadeInMs: 0.01, fadeOutMs: 0.01 })).toEqual(["BAD_FIELD", "fadeInMs"]);
    expect(refused({ ...pattern, steps: [{ level: 1, ms: 0.05 }] })).toEqual(["BAD_FIELD", "steps"]);
  });

  test("by steps has 1 to 1000 of them, each with a level of 0 or 1", () => {
    const step = { level: 0, ms: 1 };
    expect(parseRequest({ ...pattern, steps: Array(MAX_STEPS).fill(step) })).toHaveProperty("steps");
    for (const steps of [[], Array(MAX_STEPS + 1).fill(step), {}, "10"])
      expect(refused({ ...pattern, steps })).toEqual(["BAD_FIELD", "steps"]);
    for (const level of [2, -1, 0.5, true, "1"])
      expect(refused({ ...pattern, steps: [{ level, ms: 1 }] })).toEqual(["BAD_FIELD", "steps.0.level"]);
  });

  test("by steps has none faster, on the average, than the fastest blink: 0.05 ms each", () => {
    const fast = (steps: number, ms: number) => ({ ...pattern, steps: [...Array(steps).fill({ level: 1, ms: 0.001 }), { level: 0, ms }] });
    expect(parseRequest(fast(999, 49.001))).toHaveProperty("steps");
    expect(parseRequest({ ...pattern, steps: Array(1000).fill({ level: 1, ms: 0.05 }) })).toHaveProperty("steps");
    expect(refused(fast(999, 49))).toEqual(["BAD_FIELD", "steps"]);
    expect(refused({ ...pattern, steps: Array(1000).fill({ level: 1, ms: 0.001 }) })).toEqual(["BAD_FIELD", "steps"]);
  });

  test("by value has a duty of 0 to 1", () => {
    const value = { id: 1, op: "value", pin: "GPIO17" };
    expect(parseRequest({ ...value, value: 0.25 }) as object).toMatchObject({ value: 0.25 });
    for (const duty of [-0.01, 1.01, Number.NaN, true]) expect(refused({ ...value, value: duty })).toEqual(["BAD_FIELD", "value"]);
  });
});

describe("the settings of a pin", () => {
  test("that are for inputs are refused on an output", () => {
    expect(refused({ ...open, debounceUs: 100 })).toEqual(["BAD_FIELD", "debounceUs"]);
    expect(refused({ ...open, op: "configure", debounceUs: 100 })).toEqual(["BAD_FIELD", "debounceUs"]);
  });

  test("that are for outputs are refused on an input", () => {
    for (const setting of [{ share: true }, { mode: "wait" }, { drive: "push-pull" }, { closeLevel: "off" }, { initial: 1 }]) {
      expect(refused({ ...open, direction: "in", ...setting })).toEqual(["BAD_FIELD", Object.keys(setting)[0]]);
    }
  });

  test("that either may have are taken on both; configure may leave the direction as it is", () => {
    const either = { bias: "pull-up", activeLow: true, onDisconnect: "stay" };
    for (const direction of ["in", "out"]) expect(parseRequest({ ...open, direction, ...either }) as object).toMatchObject(either);
    expect(parseRequest({ id: 1, op: "configure", pin: "GPIO17", debounceUs: 100 }) as object).toMatchObject({ debounceUs: 100 });
  });

  test("must be ones that exist", () => {
    for (const setting of [
      { bias: "up" },
      { mode: "now" },
      { direction: "both" },
      { onDisconnect: true },
      { debounceUs: MAX_DEBOUNCE_US + 1 },
    ]) {
      expect(refused({ ...open, direction: "in", ...setting })).toEqual(["BAD_FIELD", Object.keys(setting)[0]]);
    }
  });
});

describe("a subscription to frames", () => {
  const subscribe = { id: 1, op: "frames.subscribe", pool: "cam0" };

  test("has room for one frame with policy latest, which is the default: it is told so instead of getting less than it asks for", () => {
    for (const group of [{}, { group: "saver" }]) {
      expect(refused({ ...subscribe, ...group, depth: 4 })).toEqual(["BAD_FIELD", "depth"]);
      expect(refused({ ...subscribe, ...group, policy: "latest", depth: 4 })).toEqual(["BAD_FIELD", "depth"]);
      expect(parseRequest({ ...subscribe, ...group, depth: 1 }) as object).toMatchObject({ depth: 1 });
    }
    expect(() => parseRequest({ ...subscribe, depth: 4 })).toThrow("is 1 with policy latest, the default: name another policy");
    for (const policy of ["drop-oldest", "drop-newest"])
      expect(parseRequest({ ...subscribe, policy, depth: 4 }) as object).toMatchObject({ policy, depth: 4 });
  });

  test("says with policy block, and with no other, for how long a producer may be kept waiting", () => {
    expect(refused({ ...subscribe, policy: "block" })).toEqual(["MISSING_FIELD", "deadlineMs"]);
    for (const policy of [{}, { policy: "latest" }, { policy: "drop-oldest" }])
      expect(refused({ ...subscribe, ...policy, deadlineMs: 10 })).toEqual(["BAD_FIELD", "deadlineMs"]);
    expect(parseRequest({ ...subscribe, policy: "block", depth: 4, deadlineMs: 10 }) as object).toMatchObject({ deadlineMs: 10 });
  });
});

describe("the meta of a frame", () => {
  const publish = { id: 1, op: "slot.publish", lease: 1, bytes: 1 };

  test("is anything small", () => {
    const meta = { gain: 1.5, roi: [1, { left: 2 }], raw: Uint8Array.of(1), none: null };
    expect(parseRequest({ ...publish, meta }) as object).toEqual({ ...publish, meta });
  });

  test("holds no NaN and no infinity, however deep", () => {
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const meta of [{ gain: number }, { roi: [1, { left: number }] }])
        expect(refused({ ...publish, meta })).toEqual(["BAD_FIELD", "meta"]);
    }
  });
});

describe("what is wrong with a field is said in plain words", () => {
  const wrong: [message: Record<string, unknown>, says: string][] = [
    [{ ...on, pin: "" }, "on: pin: must not be empty"],
    [{ ...on, pin: "x".repeat(MAX_NAME_LENGTH + 1) }, `on: pin: must have at most ${MAX_NAME_LENGTH} characters for each line`],
    [{ ...on, pin: 17 }, "on: pin: must be text"],
    [{ ...on, mode: "later" }, 'on: mode: must be "wait" or "nowait"'],
    [{ ...blink, n: 1.5 }, "blink: n: must be a whole number"],
    [{ ...blink, n: 0 }, "blink: n: must be at least 1"],
    [{ ...pattern, steps: [] }, "pattern: steps: must have at least 1 item"],
    [{ ...pattern, steps: [5] }, "pattern: steps.0: must be a map"],
    [{ ...pattern, steps: [{ level: 2, ms: 1 }] }, "pattern: steps.0.level: must be 0 or 1"],
    [
      { ...pattern, steps: Array(4).fill({ level: 1, ms: 0.03 }) },
      "pattern: steps: has 4 steps in 0.12 ms; they must last 0.05 ms each on the average",
    ],
    [{ ...open, share: 1 }, "open: share: must be true or false"],
    [{ ...open, initial: 2 }, "open: initial: must be 0 or 1"],
    [{ ...open, initial: [0, 2] }, "open: initial: must be 0 or 1"],
    [{ ...open, initial: Array(65).fill(0) }, "open: initial: must have at most 64 items"],
    [{ id: 1, op: "sim.set", pin: "GPIO4", level: "high" }, "sim.set: level: must be 0 or 1"],
  ];
  for (const [message, says] of wrong) test(says, () => expect(refusal(() => parseRequest(message)).message).toBe(says));
});
