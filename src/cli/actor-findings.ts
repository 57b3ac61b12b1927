import { tryActors } from "../actor-trial.ts";
import { readConfig } from "../config/read-config.ts";
import type { Finding } from "./findings.ts";
import { operatorSettings } from "./reloading.ts";
import type { ServeFlags } from "./serve.ts";

/** Whether the files of users' actors are actors. A configuration that can't be read is found elsewhere, and so is a folder that is not there. */
export async function actorFindings(flags: ServeFlags): Promise<Finding[]> {
  const settings = await readConfig(flags.config).then(
    ({ config }) => operatorSettings(config, flags).actors,
    () => null,
  );
  const trials = settings === null ? [] : await tryActors(settings).catch(() => []);
  return trials.map(({ file, found }): Finding => {
    if ("name" in found) return { subject: file, verdict: "ok", finding: `the actor ${found.name}` };
    const { message, details } = found.error;
    const { file: place = file, line, column } = details as { readonly file?: string; readonly line?: number; readonly column?: number };
    const subject = line === undefined ? place : `${place}, line ${line}${column === undefined ? "" : `, column ${column}`}`;
    return { subject, verdict: "fail", finding: message, remedy: "Mend it: the supervisor runs without this actor" };
  });
}
