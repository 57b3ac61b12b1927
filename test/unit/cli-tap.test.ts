import { expect, test } from "bun:test";
import { frameLine, type Seen } from "../../src/cli/frames/tap.ts";

const seen: Seen = { seq: 7, bytes: 6_220_800, timestampNs: 12_000_000_345n, ageMs: 1.26, lost: 0, meta: {} };

test("a frame has a line, with what was dropped before it and where it was saved", () => {
  expect(frameLine(seen, "valid")).toBe("12.000000345  #7  6.2 MB  age 1.3 ms");
  expect(frameLine({ ...seen, lost: 2 }, "valid", "out-7.raw")).toBe("12.000000345  #7  6.2 MB  age 1.3 ms  out-7.raw  dropped 2");
});

test("a frame that was not read to the end tells which: taken away, or lost with the connection", () => {
  expect(frameLine(seen, "revoked")).toEndWith("  revoked: held for too long");
  expect(frameLine(seen, "disconnected")).toEndWith("  the connection was lost while it was read");
});
