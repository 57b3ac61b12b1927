// Writes docs/holdfast.schema.json from the schemas of the configuration.
import { writeFileSync } from "node:fs";
import { configJsonSchema } from "../src/config/config-schema.ts";

/** The JSON Schema of holdfast.toml. */
export const schemaPath = new URL("../docs/holdfast.schema.json", import.meta.url).pathname;

/** What the file is to hold. */
export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

if (import.meta.main) writeFileSync(schemaPath, schemaText());
