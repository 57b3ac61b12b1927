import type { Command } from "commander";
import { DEFAULT_CONFIG_PATH } from "../config/default-path.ts";
import { examples } from "./arguments.ts";
import { destinationOf } from "./destination.ts";
import { DoctorFoundFault } from "./failure.ts";
import type { Finding, Verdict } from "./findings.ts";
import { paint, print, printable, printJson, type Style } from "./print.ts";

/** `holdfast doctor`. */
export function addDoctor(program: Command): void {
  const doctor = program
    .command("doctor")
    .summary("Find out what keeps holdfast from working")
    .description(
      "Look at everything that holdfast needs: the kernel, the chips and who may open them, the shared memory of frames, the supervisor's socket, the environment. " +
        "Says for each thing that is wrong what to do. Exit status 1 when something keeps holdfast from working; a warning alone is 0.",
    )
    .option("--config <path>", `look at this configuration (default: ${DEFAULT_CONFIG_PATH}, where there is one)`)
    .option("--json", "print the findings")
    .action(async ({ config, json }: { readonly config?: string; readonly json?: true }, command: Command) => {
      const { examine } = await import("./findings.ts");
      const findings = await examine(destinationOf(command), config);
      await (json ? printJson({ findings }) : print(findings.map(describe).join("\n")));
      if (findings.some(({ verdict }) => verdict === "fail")) throw new DoctorFoundFault();
    });
  examples(doctor, {
    "holdfast doctor": "when something does not work",
    "holdfast doctor --config ./holdfast.toml": "with the settings that a supervisor is to have",
    "holdfast doctor --json | jq '.findings[] | select(.verdict != \"ok\")'": "for a program",
  });
}

const styles: Readonly<Record<Verdict, Style>> = { ok: "green", warn: "yellow", fail: "red" };

/** A finding as a person reads it. */
export function describe({ verdict, subject, finding, remedy }: Finding): string {
  const said = printable(`${subject}: ${finding}`);
  const line = `${paint(process.stdout, styles[verdict], verdict.padEnd("warn".length))}  ${said}`;
  return remedy === undefined ? line : `${line}\n      ${remedy}`;
}
