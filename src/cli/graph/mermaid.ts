import { type Arrow, type Chart, type ChartState, isWithin } from "./chart.ts";

/** A machine as a state diagram of Mermaid. */
export function toMermaid({ root, arrows }: Chart): string {
  // Mermaid has no arrow between a state and one that is in it: such a transition is told in words.
  const isDrawn = ({ from, to }: Arrow) => !isWithin(from, to) && !isWithin(to, from);
  const words = new Map<ChartState, string[]>();
  for (const { from, to, labels } of arrows.filter((arrow) => !isDrawn(arrow))) {
    words.set(from, [...(words.get(from) ?? []), ...labels.map((label) => `${label} → ${to.name}`.trim())]);
  }
  const linesOf = (state: ChartState) => [...state.lines, ...(words.get(state) ?? [])];
  const isBare = root.type === "compound" && linesOf(root).length === 0 && !arrows.some(({ from, to }) => from === root || to === root);
  return [
    "stateDiagram-v2",
    ...indented(isBare ? inside(root, linesOf) : stateLines(root, linesOf)),
    ...indented(arrows.filter(isDrawn).map(arrowLine)),
    "",
  ].join("\n");
}

function stateLines(state: ChartState, linesOf: (state: ChartState) => readonly string[]): readonly string[] {
  const { id, type, states, history } = state;
  const name = history === null ? state.name : `${state.name} (${history} history)`;
  const told = linesOf(state).map(escaped);
  const declared = `state "${escaped(name)}" as ${id}`;
  if (states.length === 0) return [declared, ...told.map((line) => `${id} : ${line}`), ...(type === "final" ? [`${id} --> [*]`] : [])];
  // What a state with others in it is said to do is not shown, unless it is a note.
  const note = told.length === 0 ? [] : [`note right of ${id}`, ...indented(told), "end note"];
  return [`${declared} {`, ...indented(inside(state, linesOf)), "}", ...note];
}

function inside({ type, states, initial }: ChartState, linesOf: (state: ChartState) => readonly string[]): readonly string[] {
  const each = states.map((state) => stateLines(state, linesOf));
  if (type === "parallel") return each.flatMap((lines, index) => (index === 0 ? lines : ["--", ...lines]));
  return [...(initial === null ? [] : [`[*] --> ${initial.id}`]), ...each.flat()];
}

function arrowLine({ from, to, labels }: Arrow): string {
  const label = labels.filter((each) => each !== "").map(escaped);
  return `${from.id} --> ${to.id}${label.length === 0 ? "" : ` : ${label.join("<br/>")}`}`;
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

/** Text in which nothing is Mermaid's: all but the harmless is a numbered entity. */
function escaped(text: string): string {
  return text.replace(/[^\p{L}\p{N} _.,()[\]/=*?!+→-]/gu, (character) => `#${character.codePointAt(0)};`);
}
