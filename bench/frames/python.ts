import { existsSync } from "node:fs";
import { join } from "node:path";

/** Debian's, where there is one: it may have the libraries that the Python package needs. All that is written in Python runs on the same. */
const DEBIANS = "/usr/bin/python3";
const interpreter = existsSync(DEBIANS) ? DEBIANS : "python3";

const folder = join(import.meta.dir, "python");

/** What the programs that are measured have in their environment: the Python package, as it is in the sources. */
export const environment = {
  ...process.env,
  NODE_ENV: "production",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONPATH: join(import.meta.dir, "..", "..", "python"),
};

/** How a script of this folder is run. */
export function python(script: string): readonly string[] {
  return [interpreter, join(folder, script)];
}

/** What the interpreter calls itself; null: there is none. */
export async function pythonVersion(): Promise<string | null> {
  return answerOf("--version");
}

/** Whether the Python package can run: it needs cbor2. */
export async function hasPackage(): Promise<boolean> {
  return (await answerOf("-c", "import holdfast")) !== null;
}

async function answerOf(...args: readonly string[]): Promise<string | null> {
  try {
    const asked = Bun.spawn([interpreter, ...args], { env: environment, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    const text = await asked.stdout.text();
    return (await asked.exited) === 0 ? text.trim() : null;
  } catch {
    return null;
  }
}
