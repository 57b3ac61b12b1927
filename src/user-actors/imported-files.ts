import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Place } from "./error-place.ts";

/** What begins with a dot behind `from`, `import` or `import(`. */
const relativeImport = /(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;
/** What may be left out behind the name of a file. */
const endings = ["", ".ts", ".js", ".mjs", "/index.ts", "/index.js"];

/** The file, and all that it imports by relative paths, and what those do. Their text is looked at, so one that is not there is not among them. */
export function importedFiles(file: string): string[] {
  const found = new Set([file]);
  // Those that are added meanwhile are looked at as well.
  for (const importer of found) {
    for (const [, path = ""] of textOf(importer).matchAll(relativeImport)) {
      const base = resolve(dirname(importer), path);
      const imported = endings.map((ending) => base + ending).find((candidate) => isModule(candidate));
      if (imported !== undefined) found.add(imported);
    }
  }
  return [...found];
}

/** Where a name is imported, or anything, from a module: of an import that can't be had. Null: it is nowhere. */
export function placeOfImport(files: readonly string[], specifier: string, name?: string): Place | null {
  for (const file of files) {
    const text = textOf(file);
    const place = statementsFrom(file, text, specifier).map(({ index, statement }) => {
      const word = name === undefined ? -1 : statement.search(new RegExp(`(?<![\\w$])${name.replaceAll("$", "\\$")}(?![\\w$])`));
      return lineAndColumn(text, index + Math.max(0, word));
    })[0];
    if (place !== undefined) return { file, ...place };
  }
  return null;
}

/** Where something is declared by a name, as `relay: { out: "GPIO17" }`. Null: it is nowhere, or in another way. */
export function placeOfDeclaration(files: readonly string[], name: string): Place | null {
  return placeOf(files, new RegExp(`(?<![\\w$.])["']?${name.replaceAll("$", "\\$")}["']?\\s*:\\s*\\{`));
}

/** Where an actor says what it is called: `name: "door"`. Null: it is nowhere, or in another way. */
export function placeOfName(files: readonly string[], name: string): Place | null {
  return placeOf(files, new RegExp(`(?<![\\w$.])name\\s*:\\s*${quoted(name)}`));
}

/** Where a text stands in quotation marks. Null: it is nowhere, or put together from others. */
export function placeOfText(files: readonly string[], text: string): Place | null {
  return placeOf(files, new RegExp(quoted(text)));
}

function quoted(text: string): string {
  return `["'\`]${text.replace(/[^\w-]/g, "\\$&")}["'\`]`;
}

function placeOf(files: readonly string[], what: RegExp): Place | null {
  for (const file of files) {
    const text = textOf(file);
    const index = text.search(what);
    if (index >= 0) return { file, ...lineAndColumn(text, index) };
  }
  return null;
}

/** Node names a file that is not there by its path, however it was written. */
function statementsFrom(file: string, text: string, specifier: string): { readonly index: number; readonly statement: string }[] {
  const statements = [...text.matchAll(/\b(?:import|export)\b(?:[^;"']*?\bfrom)?\s*\(?\s*["']([^"'\n]+)["']/g)];
  return statements
    .filter(([, from = ""]) => from === specifier || resolve(dirname(file), from) === specifier)
    .map(({ 0: statement, index }) => ({ statement, index }));
}

function lineAndColumn(text: string, offset: number): Omit<Place, "file"> {
  const before = text.slice(0, offset).split("\n");
  const source = text.split("\n")[before.length - 1] ?? "";
  return { line: before.length, column: (before.at(-1) ?? "").length + 1, source: source.trim() };
}

function isModule(path: string): boolean {
  return existsSync(path) && /\.[cm]?[jt]s$/.test(path);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
