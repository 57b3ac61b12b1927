import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { counted, formatNs, paint, table, toJson } from "../../src/cli/print.ts";

const variables = ["NO_COLOR", "TERM"];
let before: Record<string, string | undefined>;

beforeEach(() => {
  before = Object.fromEntries(variables.map((name) => [name, process.env[name]]));
  delete process.env["NO_COLOR"];
  process.env["TERM"] = "xterm";
});

afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test("nanoseconds are JSON integers with every digit", () => {
  expect(toJson({ timestampNs: 12345678901234567890n, level: 1 })).toBe('{"timestampNs":12345678901234567890,"level":1}');
});

test("bytes are base64 in JSON, however deep", () => {
  expect(toJson({ meta: { raw: Uint8Array.of(0, 120, 255), more: [new Uint8Array()] } })).toBe('{"meta":{"raw":"AHj/","more":[""]}}');
});

test("one is one, and none are many", () => {
  expect([0, 1, 2].map((number) => counted(number, "pool"))).toEqual(["0 pools", "1 pool", "2 pools"]);
});

test("nanoseconds are seconds with nine digits", () => {
  expect([0n, 5n, 999_999_999n, 1_234_567_890_123n].map(formatNs)).toEqual(["0.000000000", "0.000000005", "0.999999999", "1234.567890123"]);
});

describe("colour", () => {
  test("is for terminals", () => {
    expect(paint({ isTTY: true }, "red", "PIN_BUSY")).toBe("\x1b[31mPIN_BUSY\x1b[0m");
  });

  test("is not for pipes and files", () => {
    expect(paint({}, "red", "PIN_BUSY")).toBe("PIN_BUSY");
    expect(paint({ isTTY: false }, "red", "PIN_BUSY")).toBe("PIN_BUSY");
  });

  test("is not for those who set NO_COLOR, nor for a dumb terminal", () => {
    process.env["NO_COLOR"] = "1";
    expect(paint({ isTTY: true }, "red", "PIN_BUSY")).toBe("PIN_BUSY");
    delete process.env["NO_COLOR"];
    process.env["TERM"] = "dumb";
    expect(paint({ isTTY: true }, "red", "PIN_BUSY")).toBe("PIN_BUSY");
  });
});

test("a table's columns are as wide as what they hold, and nothing trails", () => {
  const rows = [
    ["GPIO17", "on", ""],
    ["holdfast-sim:0", "closed", "x"],
  ];
  expect(table(["PIN", "STATE", "BY"], rows).split("\n")).toEqual([
    expect.stringContaining("PIN             STATE   BY"),
    "GPIO17          on",
    "holdfast-sim:0  closed  x",
  ]);
});

test("a table shows no control character that a name holds", () => {
  expect(
    table(["NAME"], [["\x1b[2Jpump\n\x9b\x7f"]])
      .split("\n")
      .at(-1),
  ).toBe("\ufffd[2Jpump\ufffd\ufffd\ufffd");
});
