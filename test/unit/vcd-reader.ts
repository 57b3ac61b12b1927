/** What a value change dump says. */
export interface Dump {
  readonly remarks: readonly string[];
  /** By scope and name: `pin GPIO17`. The value from each time on, in the timescale's unit. */
  readonly waves: ReadonlyMap<string, readonly (readonly [at: number, value: string])[]>;
  /** The last time. */
  readonly end: number;
}

const sections = /\$(\w+)\s([^$]*)\$end/g;

/** Reads a value change dump as IEEE 1364-2005 has it, with `string`. @throws Error where it is none */
export function readDump(text: string): Dump {
  const [header = "", body] = text.split("$enddefinitions $end");
  if (body === undefined) throw new Error("its definitions have no end");
  const remarks: string[] = [];
  const names = new Map<string, string>();
  const scopes: string[] = [];
  for (const [, keyword, content = ""] of header.matchAll(sections)) {
    const words = content.trim().split(/\s+/);
    if (keyword === "comment") remarks.push(content.trim());
    else if (keyword === "scope") scopes.push(words[1] as string);
    else if (keyword === "upscope") scopes.pop();
    else if (keyword === "var") names.set(words[2] as string, [...scopes, words.slice(3).join(" ")].join(" "));
  }
  if (header.replaceAll(sections, "").trim() !== "") throw new Error(`not understood: ${header.replaceAll(sections, "").trim()}`);
  return { remarks, ...readValues(body, names) };
}

function readValues(body: string, names: ReadonlyMap<string, string>): Pick<Dump, "waves" | "end"> {
  const waves = new Map<string, [number, string][]>([...names.values()].map((name) => [name, []]));
  let end = 0;
  const words = body.trim().split(/\s+/);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "$dumpvars" || word === "$end") continue;
    const [, time] = /^#(\d+)$/.exec(word) ?? [];
    if (time !== undefined) {
      if (Number(time) < end) throw new Error(`time goes back to ${time}`);
      end = Number(time);
      continue;
    }
    const [, bit, bitOf] = /^([01xz])(\S+)$/.exec(word) ?? [];
    const [, other] = /^[rs](.*)$/.exec(word) ?? [];
    const name = names.get(bitOf ?? words.shift() ?? "");
    if (name === undefined || (bit ?? other) === undefined) throw new Error(`not understood: ${word}`);
    waves.get(name)?.push([end, (bit ?? other) as string]);
  }
  return { waves, end };
}
