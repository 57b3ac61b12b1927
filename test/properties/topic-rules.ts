/**
 * Whether a filter fits a name: MQTT 5.0, section 4.7, sentence by sentence, as a pattern over the whole text.
 * - "The multi-level wildcard represents the parent and any number of child levels": `/#` is nothing, or a `/` and anything.
 * - "The single-level wildcard matches only a single topic level": `/+` is a `/` and anything without one.
 * - "The Server MUST NOT match Topic Filters starting with a wildcard character with Topic Names beginning with a $ character."
 */
export function fits(filter: string, name: string): boolean {
  if (/^[+#]/.test(filter) && name.startsWith("$")) return false;
  const pattern = `/${filter}`
    .replace(/[$.*?()[\]{}|\\^]/g, "\\$&")
    .replace(/\/\+(?=\/|$)/g, "/[^/]*")
    .replace(/\/#$/, "(/.*)?");
  return new RegExp(`^${pattern}$`, "su").test(`/${name}`);
}

/** Levels that no filter of a test names. */
const FRESH = ["fresh", "fresher", "freshest"];

/**
 * Names that a filter fits: the least that it means, and two of more levels. As no other filter names the levels that stand for wildcards,
 * one that fits these three fits all.
 */
export function witnesses(filter: string): string[] {
  const levels = filter.split("/");
  const beginning = levels.filter((level) => level !== "#").map((level) => (level === "+" ? "fresh" : level));
  if (levels.at(-1) !== "#") return [beginning.join("/")];
  const least = beginning.length === 0 ? 1 : 0;
  return [0, 1, 2].map((more) => [...beginning, ...FRESH.slice(0, least + more)].join("/"));
}
