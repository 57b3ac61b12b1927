import { clientAddresses } from "../client/connect.ts";
import { actorFindings } from "./actor-findings.ts";
import { configFindings } from "./config-findings.ts";
import { describe } from "./doctor.ts";
import { DoctorFoundFault } from "./failure.ts";
import { answersAt } from "./findings.ts";
import { networkFindings } from "./network-findings.ts";
import { print, printJson } from "./print.ts";
import type { ServeFlags } from "./serve.ts";

/**
 * `serve --check`: says what a supervisor would make of its configuration and of users' actors, and takes nothing.
 * @throws DoctorFoundFault when it would not start, or not with all of the actors
 */
export async function check(socket: string, flags: ServeFlags): Promise<void> {
  const isServed = await answersAt({ addresses: clientAddresses(undefined, socket), credentials: {} });
  const findings = [...(await configFindings(flags, isServed)), ...(await networkFindings(flags.config)), ...(await actorFindings(flags))];
  const isGood = findings.every(({ verdict }) => verdict !== "fail");
  await (flags.json ? printJson({ ok: isGood, findings }) : print(findings.map(describe).join("\n")));
  if (!isGood) throw new DoctorFoundFault();
}
