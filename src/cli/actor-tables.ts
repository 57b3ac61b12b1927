import type { UserActorInfo } from "../protocol/replies.ts";
import { formatSpan } from "./durations.ts";
import { table } from "./print.ts";

/** Users' actors for a person. */
export function userActorTable(actors: readonly UserActorInfo[]): string {
  if (actors.length === 0) return "There is no actor of a user that you may see.";
  return table(
    ["ACTOR", "STATE", "FOR", "RESTARTS", "FILE", "ENDED"],
    actors.map((info) => [
      info.actor,
      info.nextStartMs === null ? info.state : `${info.state}, starts in ${formatSpan(info.nextStartMs)}`,
      formatSpan(info.stateMs),
      String(info.restarts),
      info.file ?? "-",
      endOf(info),
    ]),
  );
}

/** How it has ended last, and where, as far as that is known: `failed: door.ts:12:5: …`. */
function endOf({ end }: UserActorInfo): string {
  if (end === null) return "-";
  if (end.reason === "done") return "done";
  const place = [end.file, end.line, end.column].filter((part) => part !== undefined).join(":");
  return [end.reason, place, end.message].filter((part) => part !== undefined && part !== "").join(": ");
}
