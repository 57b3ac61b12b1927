/** How many similar names an error suggests. */
const MAX_HINTS = 3;

/** How many letters a similar name may differ in: two are a slip, three another word. */
const HINT_DISTANCE = 2;

/** The names that somebody may have meant who wrote another one: the most similar first. */
export function similarNames(name: string, known: Iterable<string>): readonly string[] {
  return [...known]
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .filter((hint) => hint.distance <= HINT_DISTANCE && hint.distance < name.length)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_HINTS)
    .map(({ candidate }) => candidate);
}

/** What an error says behind its sentence of names that somebody may have meant; of none nothing. */
export function didYouMean(similar: readonly string[]): string {
  return similar.length === 0 ? "" : `; did you mean ${similar.join(", ")}?`;
}

/** How many letters must be put in, taken out or replaced to get from one name to the other (Levenshtein), case aside. */
function distance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > HINT_DISTANCE) return HINT_DISTANCE + 1;
  const target = to.toLowerCase();
  let row = Array.from({ length: target.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from.toLowerCase()].entries()) {
    const next = [index + 1];
    for (let column = 0; column < target.length; column++) {
      const replaced = (row[column] ?? 0) + (target[column] === letter ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
