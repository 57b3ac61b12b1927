import { writeSync } from "node:fs";
import { type Logger, pino, stdSerializers, stdTimeFunctions } from "pino";
import { paint, type Style, toJson } from "./print.ts";

/** What the supervisor logs to. */
export type ServeLog = Logger;

const STDERR = 2;

/** A log on stderr: a line for a person where that is a terminal, else JSON for a journal. */
export function serveLog(level: string): ServeLog {
  const format = process.stderr.isTTY ? readable : (json: string) => json;
  const write = (json: string) => {
    try {
      writeSync(STDERR, format(json));
    } catch {
      // Pins must not be let go of because nobody reads the log any more.
    }
  };
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime, formatters, serializers: { err: errorFields } }, { write });
}

/** Classes have other names in the executable: an error's own name stays what it is. */
function errorFields(error: unknown): unknown {
  const fields: unknown = stdSerializers.err(error as Error);
  return error instanceof Error ? { ...(fields as object), type: error.name } : fields;
}

const styles: Readonly<Record<string, Style>> = { debug: "dim", info: "green", warn: "yellow", error: "red", fatal: "red" };

/** `12:34:56 info ready socket=/run/… backend=sim`. */
function readable(json: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(json);
  const told = Object.entries(fields).map(
    ([name, value]) => ` ${paint(process.stderr, "dim", `${name}=`)}${typeof value === "string" ? value : toJson(value)}`,
  );
  const stack = err === undefined ? "" : `\n${err.stack ?? err.message}`;
  return `${String(time).slice(11, 19)} ${paint(process.stderr, styles[level] ?? "bold", level)} ${msg}${told.join("")}${stack}\n`;
}
