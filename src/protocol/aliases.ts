import type { PinConfig } from "./requests.ts";

/** The further names that the configuration gives to pins, with the names that its tables have for them. */
export function aliasesOf(pins: Readonly<Record<string, PinConfig>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(pins).flatMap(([name, { alias }]) => (alias === undefined ? [] : [[alias, name] as const])));
}
