import { expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { KeyLines } from "../../src/config/key-lines.ts";
import { keyOf } from "../../src/protocol/assert-config.ts";
import { property } from "./property.ts";

/** A text of TOML as it is written, and in which line each key of it is. */
class Page {
  text = "";
  readonly lines: { readonly path: readonly string[]; readonly line: number }[] = [];
  #names = 0;

  write(text: string): void {
    this.text += text;
  }

  /** A name that there is nowhere else: nothing is defined twice. */
  fresh(name: string): string {
    return `${name}${this.#names++}`;
  }

  /** The key begins here. */
  mark(path: readonly string[]): void {
    this.lines.push({ path, line: this.text.split("\n").length });
  }
}

/** Writes something of which the path is known. */
type Written = (page: Page, path: readonly string[]) => void;

const decoys = ["[limits]", "clients = 1", "# a = 1", "]", "}", '"', "'", "a.b", "=", ",", "\\", "é", "pool", "x = [", "{"];
const decoy = fc.array(fc.constantFrom(...decoys), { maxLength: 4 }).map((parts) => parts.join(" "));
const decoyLines = fc.array(decoy, { maxLength: 3 }).map((parts) => parts.join("\n"));

/** How a name is written: bare, or in quotes of either kind. */
const name = fc.oneof(
  fc.constantFrom("a", "pool", "GPIO17", "0", "x-y", "true").map((bare) => ({ name: bare, quote: "" })),
  decoy.map((text) => ({ name: text, quote: '"' })),
  decoy.map((text) => ({ name: text.replaceAll("'", ""), quote: "'" })),
);
const spelled = (text: string, quote: string) => (quote === '"' ? JSON.stringify(text) : `${quote}${text}${quote}`);
const blank = fc.constantFrom("", " ", "\t ");
const names = fc.array(name, { minLength: 1, maxLength: 3 });
const newline = fc.constantFrom("\n", "\r\n", "\n\n", " # [decoy]\n", "\n#x = 1 'y\"\n");

const text = fc.oneof(
  decoy.map((inner) => JSON.stringify(inner)),
  decoy.map((inner) => `'${inner.replaceAll("'", "")}'`),
  decoyLines.map((inner) => `"""\n${inner.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"""`),
  decoyLines.map((inner) => `"""${inner.replaceAll("\\", "\\\\").replaceAll('"', "'")} ""x"" """`),
  decoyLines.map((inner) => `'''${inner.replaceAll("'", "")}''x'''''`),
  fc.constantFrom("'''a''''", "''", '""', "''''''", '""""""', '"\\""', "'\\'"),
);
const plain = fc.constantFrom("1", "-1_000", "0x1F", "1.5e3", "inf", "true", "false", "1979-05-27", "1979-05-27 07:32:00Z", "07:32:00");

const { value } = fc.letrec<{ value: Written; inline: Written; list: Written }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(text, plain).map(
      (written): Written =>
        (page) =>
          page.write(written),
    ),
    tie("inline"),
    tie("list"),
  ),
  inline: fc.array(fc.tuple(names, blank, tie("value")), { maxLength: 3 }).map(
    (entries): Written =>
      (page, path) => {
        page.write("{ ");
        for (const [index, [parts, gap, inner]] of entries.entries()) {
          page.write(index === 0 ? "" : ", ");
          writeKey(page, path, parts, gap, inner);
        }
        page.write(" }");
      },
  ),
  list: fc.array(fc.tuple(newline, tie("value")), { maxLength: 3 }).map(
    (items): Written =>
      (page, path) => {
        page.write("[");
        for (const [place, [gap, inner]] of items.entries()) {
          page.write(gap);
          page.mark([...path, String(place)]);
          inner(page, [...path, String(place)]);
          page.write(",");
        }
        page.write("\n]");
      },
  ),
}));

/** Each part of a dotted key is a table, the last one has the value. */
function writeKey(page: Page, table: readonly string[], parts: readonly { name: string; quote: string }[], gap: string, inner: Written) {
  const path = [...table];
  for (const [index, part] of parts.entries()) {
    const fresh = page.fresh(part.name);
    path.push(fresh);
    page.mark([...path]);
    page.write(`${index === 0 ? "" : `${gap}.${gap}`}${spelled(fresh, part.quote)}`);
  }
  page.write(`${gap}=${gap}`);
  inner(page, path);
}

const entry = fc.tuple(names, blank, value, newline).map(
  ([parts, gap, inner, end]): Written =>
    (page, path) => {
      writeKey(page, path, parts, gap, inner);
      page.write(end);
    },
);

/** `[a.b]`, or two of `[[a.b]]`, with a table below the second one. */
const section = fc.tuple(names, blank, newline, fc.array(entry, { maxLength: 3 }), fc.boolean()).map(
  ([parts, gap, end, entries, isListed]): Written =>
    (page) => {
      const path = parts.map((part) => page.fresh(part.name));
      const spelling = path.map((fresh, index) => spelled(fresh, parts[index]?.quote ?? "")).join(`${gap}.${gap}`);
      for (const length of path.keys()) page.mark(path.slice(0, length + 1));
      for (const place of isListed ? ["0", "1"] : [null]) {
        const table = place === null ? path : [...path, place];
        if (place !== null) page.mark(table);
        page.write(`${isListed ? "[[" : "["}${gap}${spelling}${gap}${isListed ? "]]" : "]"}${end}`);
        for (const each of entries) each(page, table);
      }
      const below = [...path, ...(isListed ? ["1"] : []), page.fresh("below")];
      page.mark(below);
      page.write(`[${spelling}.${below.at(-1)}]\n`);
    },
);

const document = fc.tuple(fc.array(entry, { maxLength: 4 }), fc.array(section, { maxLength: 4 })).map((parts) => {
  const page = new Page();
  for (const each of parts.flat()) each(page, []);
  return page;
});

/** Every key of a parsed document. */
function pathsOf(node: unknown, path: readonly string[] = []): readonly string[][] {
  if (typeof node !== "object" || node === null || node instanceof Date) return [];
  return Object.entries(node).flatMap(([name, inner]) => [[...path, name], ...pathsOf(inner, [...path, name])]);
}

property(
  "each key of a text is found in the line where it is written, and nothing else is taken for one",
  document,
  ({ text, lines }) => {
    const found = new KeyLines(text);
    const told = lines.map(({ path }) => ({ path, line: found.lineOf(keyOf(path)) }));
    expect(told).toEqual(lines.map(({ path, line }) => ({ path, line })));
    const paths = pathsOf(parse(text));
    expect(paths.filter((path) => !found.has(path))).toEqual([]);
    expect(found.size).toBe(paths.length);
  },
  500,
);

test("a key that is missing is told by the table that it is missing in", () => {
  const found = new KeyLines("a = 1\n\n[pool.cam0]\nslots = 6\n");
  expect(["pool.cam0.slot", "pool.cam1", "frames.directory"].map((key) => found.lineOf(key))).toEqual([3, 3, null]);
});

test("a table is where its own header is, however it was spoken of before", () => {
  const found = new KeyLines("[pin.a]\n[pool.cam0.x]\n[pool.cam0]\nslots = 6\n[pool]\n");
  expect(["pin", "pool", "pool.cam0", "pool.cam0.x"].map((key) => found.lineOf(key))).toEqual([1, 5, 3, 2]);
});
