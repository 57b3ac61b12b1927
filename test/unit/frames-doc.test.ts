import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderSharedMemory } from "../../src/frames/folder.ts";
import { formatOf } from "../../src/frames/format.ts";
import { HEADER_STRIDE, LAYOUT_VERSION, MAGIC, poolStates, poolWords, slotStateWords, slotWords } from "../../src/frames/layout.ts";

const page = readFileSync(join(import.meta.dir, "..", "..", "docs", "frames.md"), "utf8");

/** A type as the page writes it: `u32`, `char[8]`. */
function sizesOf(type: string): { itemBytes: number; bytes: number } {
  const [, name = "", count = "1"] = /^(\w+?)(?:\[(\d+)\])?$/.exec(type) ?? [];
  const itemBytes = { char: 1, u32: 4, u64: 8 }[name] ?? Number.NaN;
  return { itemBytes, bytes: itemBytes * Number(count) };
}

/** The part of the page below a heading. */
function below(heading: string): string {
  const [, part = ""] = page.split(`\n### ${heading}\n`);
  return part.split("\n#")[0] ?? "";
}

function tableOf(heading: string) {
  return [...below(heading).matchAll(/^\| (\d+) \| (\S+) \| `(\w+)` \| (.*) \|$/gm)].map(
    ([, offset, type = "", word = "", meaning = ""]) => ({
      offset: Number(offset),
      ...sizesOf(type),
      word,
      meaning,
    }),
  );
}

describe("the page's tables are the layout", () => {
  for (const [heading, { end, ...words }, states] of [
    ["The header of a pool", poolWords, poolStates],
    ["The header of a slot", slotWords, slotStateWords],
  ] as const) {
    const table = tableOf(heading);

    test(`${heading}: every word, where it is`, () => {
      expect(Object.fromEntries(table.map(({ word, offset }) => [word, offset]))).toEqual(words);
    });

    test(`${heading}: no word reaches into the next, and each lies at a multiple of its size`, () => {
      for (const [index, { word, offset, itemBytes, bytes }] of table.entries()) {
        const next = table[index + 1]?.offset ?? end;
        expect([word, offset + bytes <= next]).toEqual([word, true]);
        expect([word, offset % itemBytes]).toEqual([word, 0]);
      }
      expect((table.at(-1)?.offset ?? 0) + (table.at(-1)?.bytes ?? 0)).toBe(end);
    });

    test(`${heading}: what its states are`, () => {
      const meaning = table.find(({ word }) => word === "state")?.meaning ?? "";
      const named = [...meaning.matchAll(/(\d) `(\w+)`/g)].map(([, number, name]) => [name, Number(number)]);
      expect(Object.fromEntries(named)).toEqual(states);
    });
  }

  test("and the numbers in its sentences", () => {
    const [magic, version] = tableOf("The header of a pool");
    expect([magic?.meaning, version?.meaning]).toEqual([`\`${MAGIC}\``, `of this layout: ${LAYOUT_VERSION}`]);
    expect(page).toContain(`the pool's header, ${poolWords.end} bytes`);
    expect(below("Who writes what, and when")).toContain(`bytes ${slotWords.seq} to ${slotWords.fourcc}`);
    expect(slotWords.end).toBeLessThanOrEqual(HEADER_STRIDE);
  });
});

/** The code that the page has for a language. */
function snippet(language: string): string {
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(page)?.[1] ?? "";
}

const asPython = `
import json, sys
layout, frames = json.loads(sys.argv[1])
pool = Pool(layout)
for frame in frames:
    print(bytes(pool.payload(frame)).decode(), pool.intact(frame))
`;

const asC = `
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **arguments) {
    struct pool pool;
    if (!pool_map(&pool, arguments[1])) return 1;
    for (int i = 2; i + 1 < count; i += 2) {
        uint32_t slot = atoi(arguments[i]);
        printf("%.5s %s\\n", (const char *)pool_payload(&pool, slot), pool_intact(&pool, slot, atoll(arguments[i + 1])) ? "True" : "False");
    }
    return 0;
}
`;

/** Programs in other languages read a real pool by what the page says. */
describe("the page's programs read frames", () => {
  const read = async (program: (folder: string, layout: { readonly path: string }, frames: readonly object[]) => string[]) => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    const pool = await new FolderSharedMemory(folder).reserve("cam0", 2, formatOf({ slots: 2, bytes: 20_000 }));
    try {
      const { path, payloadOffset, payloadStride } = pool.layout;
      const file = readFileSync(path);
      for (const [slot, text] of ["one..", "two.."].entries()) file.write(text, payloadOffset + slot * payloadStride);
      writeFileSync(path, file);
      // The word has wrapped around in slot 1, and slot 0 has been granted again.
      pool.mirror(0, { generation: 7, state: "writing", lease: 3, ownerPid: 1, readers: 0 });
      pool.mirror(1, { generation: 2 ** 32 + 4, state: "reading", lease: 2, ownerPid: 1, readers: 1 });
      const frames = [6, 2 ** 32 + 4].map((generation, slot) => ({ slot, generation, bytes: 5 }));
      const ran = Bun.spawnSync(program(folder, pool.layout, frames));
      expect([ran.stdout.toString(), ran.stderr.toString()]).toEqual(["one.. False\ntwo.. True\n", ""]);
    } finally {
      pool.remove();
      rmSync(folder, { recursive: true });
    }
  };

  test.if(Bun.which("python3") !== null)("in Python", () =>
    read((_, layout, frames) => ["python3", "-c", snippet("python") + asPython, JSON.stringify([layout, frames])]),
  );

  test.if(Bun.which("cc") !== null)("in C", () =>
    read((folder, { path }, frames) => {
      const [source, program] = [join(folder, "read.c"), join(folder, "read")];
      writeFileSync(source, snippet("c") + asC);
      const compiled = Bun.spawnSync(["cc", "-std=gnu11", "-Wall", "-Wextra", "-O2", "-o", program, source]);
      expect(compiled.stderr.toString()).toBe("");
      return [program, path, ...frames.flatMap((frame) => Object.values(frame).slice(0, 2).map(String))];
    }),
  );
});
