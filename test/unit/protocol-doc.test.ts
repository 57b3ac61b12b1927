import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { pagePath, renewed } from "../../scripts/protocol-doc.ts";
import { decode, encode, LENGTH_BYTES } from "../../src/protocol/codec.ts";
import { errorCodes } from "../../src/protocol/errors.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { PROTOCOL_VERSION, parseRequest, requestSchemas } from "../../src/protocol/requests.ts";

const page = readFileSync(pagePath, "utf8");

/** The rows of the table whose first head is `head`, cell by cell, without back-ticks. */
function table(text: string, head: string): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  const end = lines.findIndex((line, i) => i > start && !line.startsWith("|"));
  return lines.slice(start + 2, end).map((line) =>
    line
      .slice(1, -1)
      .split(" | ")
      .map((cell) => cell.trim().replace(/^`(.*)`$/, "$1")),
  );
}

/** The worked example: what each block says it is, and its bytes. */
const conversation = [...page.matchAll(/```hex\n# (.*)\n([^`]*)```/g)].map(([, json, lines]) => ({
  message: JSON.parse(json as string) as Record<string, unknown>,
  bytes: Uint8Array.from(Buffer.from((lines as string).replace(/#.*/g, "").replace(/\s/g, ""), "hex")),
}));

describe("docs/protocol.md", () => {
  test("has the CDDL of the schemas as they are; `make docs` renews it", () => {
    expect(page).toBe(renewed(page));
  });

  test("lists every operation, and no other", () => {
    expect(table(page, "op").map(([op]) => op as string)).toEqual(Object.keys(requestSchemas));
  });

  test("lists every limit with its default", () => {
    expect(table(page, "limit").map(([name, value]) => [name, Number(value)])).toEqual(Object.entries(defaultLimits));
  });

  test("is about the version that the code speaks", () => {
    expect(page).toContain(`This is version ${PROTOCOL_VERSION}.`);
  });

  test("has a conversation whose bytes are what it says", () => {
    expect(conversation).toHaveLength(4);
    for (const { message, bytes } of conversation) {
      expect(decode(bytes.subarray(LENGTH_BYTES), defaultLimits)).toEqual(message);
      expect(encode(message)).toEqual(bytes);
      if ("op" in message) expect(parseRequest(message) as object).toEqual(message);
    }
  });
});

describe("docs/errors.md", () => {
  test("lists every code with its meaning and a remedy, and no other", () => {
    const rows = table(readFileSync(new URL("../../docs/errors.md", import.meta.url).pathname, "utf8"), "code");
    expect(rows.map(([code, meaning]) => [code as string, meaning as string])).toEqual(Object.entries(errorCodes));
    for (const [, , remedy] of rows) expect(remedy).toMatch(/^\S.*\.$/);
  });
});
