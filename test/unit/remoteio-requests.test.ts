import { describe, expect, test } from "bun:test";
import { RequestReader } from "../../src/transports/remoteio/request.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");

/** The requests in these pieces, and the code of what ended the reading. */
function read(...pieces: readonly string[]): { readonly requests: string[]; readonly fault: string | null } {
  const reader = new RequestReader();
  const requests: string[] = [];
  try {
    for (const piece of pieces) {
      reader.add(bytes(piece));
      for (let request = reader.next(); request !== null; request = reader.next()) requests.push(Object.values(request).join("|"));
    }
    return { requests, fault: null };
  } catch (error) {
    return { requests, fault: (error as { readonly code: string }).code };
  }
}

describe("what remoteio's clients send", () => {
  test("a request is six words, each with a space behind it", () => {
    expect(read("b 11 on 2000 0.0 0.0 ")).toEqual({ requests: ["b|11|on|2000|0.0|0.0"], fault: null });
  });

  test("it is none before its last space has come", () => {
    expect(read("b 11 on 2000 0.0 0.0").requests).toEqual([]);
    expect(read("b 11 on 2000 0.0 0.0", " ").requests).toHaveLength(1);
  });

  test("several may come in one piece, and one in several", () => {
    const two = "b 11 create 0 0.0 0.0 b 11 blink 0 0.5 0.5 ";
    const wanted = ["b|11|create|0|0.0|0.0", "b|11|blink|0|0.5|0.5"];
    expect(read(two).requests).toEqual(wanted);
    expect(read(...two).requests).toEqual(wanted);
    expect(read(two.slice(0, 25), two.slice(25)).requests).toEqual(wanted);
  });

  test("words are not looked at here, but for the first one", () => {
    expect(read("g -1 \xff\xfe __import__('os') 1e309 \n ")).toEqual({
      requests: ["g|-1|\xff\xfe|__import__('os')|1e309|\n"],
      fault: null,
    });
    expect(read("b      ").requests).toEqual(["b|||||"]);
  });
});

describe("where the next request begins can't be known any more", () => {
  const lost: Readonly<Record<string, readonly [string, string]>> = {
    "something else": ["GET / HTTP/1.1\r\n", "BAD_FIELD"],
    "a first word that is not complete": ["x", "BAD_FIELD"],
    "the third generation of remoteio": ["dev_0 LED _create pin=11;initial_value=False\n", "BAD_FIELD"],
    "a word too few": ["b 11 on 0 0.0 b 11 off 0 0.0 0.0 ", "BAD_FIELD"],
    "a word too many": ["b 11 on 0 0.0 0.0 0.0 ", "BAD_FIELD"],
    "a space too many": ["b 11 on 0 0.0 0.0  ", "BAD_FIELD"],
    "a word that does not end": [`b ${"1".repeat(65)}`, "LIMIT_MESSAGE"],
    "a word that is too long": [`b ${"1".repeat(65)} on 0 0 0 `, "LIMIT_MESSAGE"],
  };
  for (const [what, [text, code]] of Object.entries(lost)) {
    test(`after ${what}`, () => {
      expect(read(text).fault).toBe(code);
      expect(read(...text).fault).toBe(code);
    });
  }

  test("what came before it has been taken", () => {
    expect(read("b 11 on 0 0.0 0.0 c")).toEqual({ requests: ["b|11|on|0|0.0|0.0"], fault: "BAD_FIELD" });
  });
});
