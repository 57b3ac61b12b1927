import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { HoldfastError } from "../protocol/errors.ts";
import { type ActorDefinition, isActorDefinition } from "./define-actor.ts";
import { type Place, placeAt, placeOf } from "./error-place.ts";
import { thrownInWords } from "./failure.ts";
import { importedFiles, placeOfImport } from "./imported-files.ts";

/** What a file defines, and which files it is made of. */
export interface LoadedDefinition {
  readonly definition: ActorDefinition;
  readonly files: readonly string[];
}

/**
 * Imports a user's file in this thread. Once: the runtime keeps what it has imported.
 * @throws HoldfastError `BAD_ACTOR` with the `file` and, where they are known, `line`, `column` and `source`
 */
export async function loadActor(file: string): Promise<LoadedDefinition> {
  assertReadable(file);
  const files = importedFiles(file);
  let module: { readonly default?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    throw unloadable(file, files, error);
  }
  if (isActorDefinition(module.default)) return { definition: module.default, files };
  const what = module.default === undefined ? "has no default export" : "has a default export that is none";
  throw new HoldfastError("BAD_ACTOR", `${what}: an actor is \`export default defineActor({ … })\``, { file });
}

/** Node reads TypeScript since 22.18, without a flag. */
function assertReadable(file: string): void {
  const { typescript = false } = process.features as { readonly typescript?: string | false };
  if (process.versions.bun !== undefined || extname(file) !== ".ts" || typescript !== false) return;
  const message = `Node.js ${process.version} does not read TypeScript: it takes 22.18 or later, Bun, or the file as JavaScript`;
  throw new HoldfastError("BAD_ACTOR", message, { file });
}

function unloadable(file: string, files: readonly string[], thrown: unknown): HoldfastError {
  const error = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
  const place = placeOfMistake(files, error) ?? placeOf(error);
  const details = { ...(error instanceof HoldfastError && error.details), file, ...place };
  return new HoldfastError("BAD_ACTOR", sentence(error), details, { cause: error });
}

/** What threw says what it was; that something is wrong with the file needs no such word. */
function sentence(error: unknown): string {
  if (!(error instanceof Error)) return (error as Partial<Error> | null)?.message ?? thrownInWords(error);
  const { name, message } = error;
  const isOfTheFile = error instanceof HoldfastError || error instanceof SyntaxError || "position" in error || "code" in error;
  return isOfTheFile ? message : `${name}: ${message}`;
}

/** Where a mistake is that was found before anything ran: such an error has no stack in the file. */
function placeOfMistake(files: readonly string[], error: unknown): Place | null {
  const { message = "", position } = (error ?? {}) as Partial<Error> & { readonly position?: BunPosition | null };
  if (position?.file) return placeAt(position.file, position.line, position.column);
  const [, name, from] = missingExport.exec(message) ?? [];
  if (from !== undefined) return placeOfImport(files, from, name);
  const [, , otherFrom, otherName] = missingExportInNode.exec(message) ?? [];
  if (otherFrom !== undefined) return placeOfImport(files, otherFrom, otherName);
  const [, missing] = missingModule.exec(message) ?? [];
  return missing === undefined ? null : placeOfImport(files, missing);
}

/** What Bun's messages of its parser and its resolver say. */
interface BunPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const missingExport = /^Export named '([^']+)' not found in module '([^']+)'/;
const missingExportInNode = /^(The requested module) '([^']+)' does not provide an export named '([^']+)'/;
const missingModule = /^Cannot find (?:module|package) '([^']+)'/;
