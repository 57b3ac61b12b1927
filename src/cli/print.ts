import { once } from "node:events";

/** Leaves the process quietly when the reader of a pipe has gone, as in `holdfast watch 4 | head -1`; loudly when a write fails. */
export function endWithReader(): void {
  process.stderr.on("error", () => process.exit(1));
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    process.stderr.write(`holdfast: what it has to say can't be written: ${error.message}\n`, () => process.exit(1));
  });
}

/** Resolves when all that was written has left the process. */
export async function flush(): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((done) => stream.write("", () => done()))));
}

/** Writes a line for the one who asked. Resolves when there is room for the next: a reader that is slow slows us, and fills no memory. */
export async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, "drain");
}

/** Writes a value as one line of JSON. A bigint, which holds nanoseconds, is an integer like any other. */
export function printJson(value: unknown): Promise<void> {
  return print(toJson(value));
}

/** A value as JSON: bigints are integers, and bytes base64. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === "bigint") return rawJson(String(field));
    return field instanceof Uint8Array ? Buffer.from(field).toString("base64") : field;
  });
}

const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** Nanoseconds as seconds with all nine digits: `1234.567890123`. */
export function formatNs(ns: bigint): string {
  const digits = String(ns).padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** `1 frame`, `2 frames`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

const styles = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

/** A way for text to look. */
export type Style = keyof typeof styles;

/** Styles text for a terminal; elsewhere, and with NO_COLOR set (no-color.org), it stays plain. */
export function paint(stream: { readonly isTTY?: boolean }, style: Style, text: string): string {
  if (stream.isTTY !== true || process.env["NO_COLOR"] || process.env["TERM"] === "dumb") return text;
  return `\x1b[${styles[style]}m${text}\x1b[0m`;
}

/** Text that others chose, safe for a terminal: a control character might move the cursor, hide what follows or turn it round. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "\ufffd");
}

/** Rows under their headings, in columns as wide as what they hold. */
export function table(headings: readonly string[], given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(printable));
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [paint(process.stdout, "bold", line(headings)), ...rows.map(line)].join("\n");
}
