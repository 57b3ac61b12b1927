import type { Command } from "commander";
import { examples } from "./arguments.ts";
import { DoctorFoundFault } from "./failure.ts";
import type { Finding, Verdict } from "./findings.ts";
import { paint, print, printJson, type Style } from "./print.ts";
import { socketsOf } from "./session.ts";

/** `holdfast doctor`. */
export function addDoctor(program: Command): void {
  const doctor = program
    .command("doctor")
    .summary("Find out what keeps holdfast from working")
    .description(
      "Look at everything that holdfast needs: the kernel, the chips and who may open them, the shared memory of frames, the supervisor's socket, the environment. " +
        "Says for each thing that is wrong what to do. Exit status 1 when something keeps holdfast from working; a warning alone is 0.",
    )
    .option("--json", "print the findings")
    .action(async ({ json }: { readonly json?: true }, command: Command) => {
      const { examine } = await import("./findings.ts");
      const findings = await examine(socketsOf(command));
      await (json ? printJson({ findings }) : print(findings.map(describe).join("\n")));
      if (findings.some(({ verdict }) => verdict === "fail")) throw new DoctorFoundFault();
    });
  examples(doctor, {
    "holdfast doctor": "when something does not work",
    "holdfast doctor --json | jq '.findings[] | select(.verdict != \"ok\")'": "for a program",
  });
}

const styles: Readonly<Record<Verdict, Style>> = { ok: "green", warn: "yellow", fail: "red" };

function describe({ verdict, subject, finding, remedy }: Finding): string {
  const line = `${paint(process.stdout, styles[verdict], verdict.padEnd("warn".length))}  ${subject}: ${finding}`;
  return remedy === undefined ? line : `${line}\n      ${remedy}`;
}
