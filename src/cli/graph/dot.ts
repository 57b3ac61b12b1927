import { type Arrow, type Chart, type ChartState, isWithin } from "./chart.ts";

/** A machine as a graph of Graphviz, for `dot`. */
export function toDot({ root, arrows }: Chart): string {
  return [
    `digraph ${quoted(root.name)} {`,
    "  compound=true",
    '  node [shape=box style=rounded fontname="Helvetica" fontsize=11]',
    '  edge [fontname="Helvetica" fontsize=9]',
    '  graph [style=rounded fontname="Helvetica" fontsize=11]',
    ...indented(stateLines(root)),
    ...indented(arrows.map(arrowLine)),
    "}",
    "",
  ].join("\n");
}

function stateLines(state: ChartState): readonly string[] {
  const { id, name, type, history, lines, states, initial, parent } = state;
  if (history !== null) return [`${id} [shape=circle style="" label=${quoted(history === "deep" ? "H*" : "H")} tooltip=${quoted(name)}]`];
  const label = labelOf([name, ...lines]);
  if (states.length === 0) return [`${id} [label=${label}${type === "final" ? " peripheries=2" : ""}]`];
  const isRegion = parent?.type === "parallel";
  return [
    `subgraph ${clusterOf(state)} {`,
    ...indented([
      `label=${label}${isRegion ? ' style="rounded,dashed"' : ""}`,
      ...(initial === null ? [`${anchorOf(state)} [shape=point style=invis]`] : [`${anchorOf(state)} [shape=point]`]),
      ...states.flatMap(stateLines),
      ...(initial === null ? [] : [`${anchorOf(state)} -> ${anchorOf(initial)}${attributes(state, initial, "")}`]),
    ]),
    "}",
  ];
}

function arrowLine({ from, to, labels }: Arrow): string {
  return `${anchorOf(from)} -> ${anchorOf(to)}${attributes(from, to, labelOf(labels.filter((label) => label !== "")))}`;
}

/** Graphviz has arrows between nodes only; those of a state with others in it begin and end at its border. */
function attributes(from: ChartState, to: ChartState, label: string): string {
  const all = [
    ...(label === "" || label === '""' ? [] : [`label=${label}`]),
    ...(from.states.length > 0 && from !== to && !isWithin(to, from) ? [`ltail=${clusterOf(from)}`] : []),
    ...(to.states.length > 0 && from !== to && !isWithin(from, to) ? [`lhead=${clusterOf(to)}`] : []),
  ];
  return all.length === 0 ? "" : ` [${all.join(" ")}]`;
}

/** The node at which arrows end: of a state with others in it, the point where it begins. */
function anchorOf({ id, states }: ChartState): string {
  return states.length === 0 ? id : `${id}_begin`;
}

function clusterOf({ id }: ChartState): string {
  return `cluster_${id}`;
}

function labelOf(lines: readonly string[]): string {
  return `"${lines.map(escaped).join("\\n")}"`;
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

function escaped(text: string): string {
  return text.replace(/\p{Cc}/gu, "\ufffd").replace(/["\\]/g, "\\$&");
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
