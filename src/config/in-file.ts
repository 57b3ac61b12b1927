import { HoldfastError } from "../protocol/errors.ts";
import { KeyLines } from "./key-lines.ts";

/** A configuration file: how errors name it, and what is in it. */
export interface ConfigFile {
  readonly file: string;
  readonly text: string;
}

/** An error that names a key, with the file and the line where that is. Any other one stays as it is. */
export function inFile(thrown: unknown, { file, text }: ConfigFile): unknown {
  if (!(thrown instanceof HoldfastError) || typeof thrown.details["key"] !== "string") return thrown;
  const line = new KeyLines(text).lineOf(thrown.details["key"]);
  const where = line === null ? file : `${file}, line ${line}`;
  const details = { ...thrown.details, file, ...(line !== null && { line }) };
  return new HoldfastError(thrown.code, `${where}: ${thrown.message}`, details, { cause: thrown });
}
