import { RealClock } from "../clock/real.ts";
import { DEFAULT_CONFIG_PATH } from "../config/default-path.ts";
import type { ConfigFile } from "../config/in-file.ts";
import { KeyLines } from "../config/key-lines.ts";
import { type FoundConfig, readConfig } from "../config/read-config.ts";
import { type DryRun, dryRun } from "../dry-run.ts";
import { DEFAULT_FOLDER } from "../frames/folder.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { chooseBackend } from "./choose-backend.ts";
import type { Finding } from "./findings.ts";
import { counted } from "./print.ts";
import { operatorSettings } from "./reloading.ts";
import type { ServeFlags } from "./serve.ts";

/** What `serve` is told that has to do with the configuration. */
export type ConfigFlags = Pick<ServeFlags, "backend" | "config" | "limit" | "maxOn" | "actors" | "watch">;

const refusal = "Mend it: holdfast serve refuses to start with it, and a supervisor that runs refuses to take it";

/**
 * Looks at the configuration as `serve` does, which takes it when nothing here is a `fail`.
 * @param isServed a supervisor runs, and may have what the configuration asks for
 */
export async function configFindings(flags: ConfigFlags, isServed: boolean): Promise<Finding[]> {
  let found: FoundConfig;
  try {
    found = await readConfig(flags.config);
  } catch (error) {
    return [{ subject: "configuration", verdict: "fail", finding: (error as Error).message, remedy: refusal }];
  }
  const { source, config } = found;
  let run: DryRun;
  try {
    const backend = chooseBackend(flags.backend, new RealClock());
    run = dryRun(operatorSettings(config, flags), { backend, folder: config.frames.directory ?? DEFAULT_FOLDER, isServed });
    backend.close();
  } catch (error) {
    const finding = `it can't be held against the chips: ${HoldfastError.from(error).message}`;
    return [{ subject: "configuration", verdict: "warn", finding, remedy: "What is wrong with them: holdfast doctor" }];
  }
  const mistakes = run.mistakes.map((mistake) => located(mistake, source)).sort((one, other) => one.line - other.line);
  return [
    wholeFinding(source, mistakes.length),
    ...mistakes.map(({ where, message }): Finding => ({ subject: where, verdict: "fail", finding: message })),
    ...run.doubts.map(({ key, message }): Finding => ({ subject: key ?? "configuration", verdict: "warn", finding: message })),
    ...run.plan.map(({ key, message }): Finding => ({ subject: key ?? "configuration", verdict: "ok", finding: message })),
  ];
}

function wholeFinding(source: ConfigFile | null, mistakes: number): Finding {
  const subject = "configuration";
  const file = source?.file ?? `there is no ${DEFAULT_CONFIG_PATH}`;
  if (mistakes > 0) return { subject, verdict: "fail", finding: `${file}: ${counted(mistakes, "mistake")}`, remedy: refusal };
  return { subject, verdict: "ok", finding: source === null ? `${file}: all is as it is by default` : `${file} can be obeyed` };
}

/** Where a mistake is, and what it is. What options of the command line say is in no line. */
function located({ message, details }: HoldfastError, source: ConfigFile | null): { where: string; message: string; line: number } {
  const line = source === null ? null : new KeyLines(source.text).lineOf(String(details["key"]));
  const where = source === null ? "command line" : line === null ? source.file : `${source.file}, line ${line}`;
  return { where, message, line: line ?? 0 };
}
