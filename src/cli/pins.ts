import type { Command } from "commander";
import type { PinInfo } from "../protocol/replies.ts";
import { examples } from "./arguments.ts";
import { formatSpan } from "./durations.ts";
import { print, printJson, table } from "./print.ts";
import { withClient } from "./session.ts";

/** `holdfast pins`. */
export function addPins(program: Command): void {
  const pins = program
    .command("pins")
    .summary("List the pins, and who holds them")
    .description("List every line of every chip: its names, what it does, who holds it, and which program outside holdfast uses it.")
    .option("--open", "only the open ones")
    .option("--json", "print all that is known, as the reply to the protocol's `pins`")
    .action(({ open, json }: { readonly open?: true; readonly json?: true }, command: Command) =>
      withClient(command, async (client) => {
        const all = await client.pins();
        const shown = open ? all.filter(({ state }) => state !== "closed") : all;
        if (json) await printJson({ pins: shown });
        else if (shown.length > 0) await print(pinTable(shown));
      }),
    );
  examples(pins, {
    "holdfast pins": "every pin",
    "holdfast pins --open": "those that somebody uses through holdfast",
    "holdfast pins --json | jq -r '.pins[] | select(.usedBy) | .pin'": "those that other programs use",
  });
}

/** Pins for a person. */
export function pinTable(pins: readonly PinInfo[]): string {
  const grouped = pins.some(({ group }) => group !== undefined);
  const headings = ["PIN", "LINE", "NAMES", "STATE", "LEVEL", "QUEUED", "USED BY", "HELD BY", ...(grouped ? ["GROUP"] : [])];
  return table(
    headings,
    pins.map((info) => [
      info.pin,
      info.line,
      info.names.filter((name) => name !== info.pin && name !== info.line).join(" "),
      info.state,
      levelOf(info),
      info.queued === 0 ? "-" : String(info.queued),
      info.usedBy ?? "-",
      holdersOf(info),
      ...(grouped ? [info.group ?? "-"] : []),
    ]),
  );
}

function levelOf({ level, levels, value }: PinInfo): string {
  if (levels !== undefined && levels !== null) return levels.join("");
  if (level !== null) return String(level);
  return value === null ? "-" : String(value);
}

function holdersOf({ unowned, holders }: PinInfo): string {
  if (unowned) return "nobody";
  if (holders.length === 0) return "-";
  return holders
    .map((holder) => `"${holder.name}"${processOf(holder)} for ${formatSpan(holder.heldMs)}${holder.share ? ", shared" : ""}`)
    .join("; ");
}

/** The process, or where on the network it is. */
function processOf({ address, pid, uid }: PinInfo["holders"][number]): string {
  if (address !== null) return ` (${address})`;
  return pid === null ? "" : ` (pid ${pid}${uid === null ? "" : `, uid ${uid}`})`;
}
