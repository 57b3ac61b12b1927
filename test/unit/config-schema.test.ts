import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { schemaPath, schemaText } from "../../scripts/config-schema.ts";
import { configJsonSchema } from "../../src/config/config-schema.ts";

const page = readFileSync(join(import.meta.dir, "..", "..", "docs", "configuration.md"), "utf8");

test("docs/holdfast.schema.json has what the configuration may say; `make docs` renews it", () => {
  expect(readFileSync(schemaPath, "utf8")).toBe(schemaText());
});

describe("the JSON Schema", () => {
  const schema = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
  /** Whether an editor takes it. TOML has only plain tables. */
  const takes = (text: string) => schema.safeParse(JSON.parse(JSON.stringify(parse(text)))).success;

  test("takes every example of docs/configuration.md", () => {
    const examples = [...page.matchAll(/```toml\n(.*?)```/gs)].map(([, text = ""]) =>
      text.replaceAll("sha256:0f4c…", `sha256:${"0".repeat(64)}`),
    );
    expect(examples.length).toBeGreaterThan(1);
    expect(examples.filter((text) => !takes(text))).toEqual([]);
  });

  for (const mistake of [
    "[limit]",
    "[limits]\nclients = 0",
    '[pin.GPIO17]\nmaxOnMs = "5s"',
    "[pin.GPIO17]\nmaxOn = 5",
    "[pin.GPIO17]\ninitial = 2",
    '[pin.GPIO17]\nalias = "a+b"',
    '[frames]\ndirectory = "run"',
    "[pool.cam0]\nbytes = 5",
    "[pool.cam0]\nslots = 1\nbytes = 5",
    '[listen.remoteio]\nmode = "later"',
    "[listen.telnet]",
    "[access.guests]\nread = 5",
  ]) {
    test(`does not take ${JSON.stringify(mistake)}`, () => expect(takes(mistake)).toBe(false));
  }

  test("says what each key is", () => {
    const nameless: string[] = [];
    const look = (node: unknown, path: string) => {
      if (typeof node !== "object" || node === null) return;
      for (const [name, key] of Object.entries((node as { properties?: object }).properties ?? {})) {
        const { description, properties } = key as { description?: string; properties?: object };
        if (description === undefined && properties === undefined) nameless.push(`${path}.${name}`);
        look(key, `${path}.${name}`);
      }
      look((node as { additionalProperties?: unknown }).additionalProperties, `${path}.*`);
    };
    look(configJsonSchema(), "");
    expect(nameless).toEqual([]);
  });
});
