import type { Command } from "commander";
import { examples } from "./arguments.ts";
import { print } from "./print.ts";

/** `holdfast config`. */
export function addConfig(program: Command): void {
  const config = program.command("config").summary("Help with writing the configuration");
  const schema = config
    .command("schema")
    .summary("Print what a configuration may say, for editors")
    .description("Print a JSON Schema of holdfast.toml: editors that know it complete keys and underline mistakes.")
    .action(async () => {
      const { configJsonSchema } = await import("../config/config-schema.ts");
      await print(JSON.stringify(configJsonSchema(), null, 2));
    });
  const example = {
    "holdfast config schema > holdfast.schema.json": "beside holdfast.toml, whose first line is: #:schema ./holdfast.schema.json",
  };
  for (const command of [config, schema]) examples(command, example);
}
