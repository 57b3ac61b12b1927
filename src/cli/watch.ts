import type { Command } from "commander";
import type { HoldfastClient } from "../client/client.ts";
import type { EventStream } from "../client/event-stream.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf } from "../protocol/replies.ts";
import type { Bias, EdgeFilter } from "../protocol/requests.ts";
import { count, debounce, duration, examples, oneOf, PIN } from "./arguments.ts";
import { formatNs, paint, print, printable, printJson } from "./print.ts";
import { withClient } from "./session.ts";
import { showEvents } from "./show-events.ts";

interface WatchFlags {
  readonly edge?: EdgeFilter;
  readonly bias?: Bias;
  readonly activeLow?: true;
  readonly debounce?: number;
  readonly silence?: number;
  readonly waitClosing?: number;
  readonly count?: number;
  readonly state?: true;
  readonly json?: true;
}

type Seen = EventOf<"edge"> | EventOf<"silence"> | EventOf<"state">;

const inputOptions = ["edge", "bias", "activeLow", "debounce", "silence", "waitClosing"];

/** `holdfast watch`. */
export function addWatch(program: Command): void {
  const watch = program
    .command("watch")
    .summary("Print a pin's edges as they happen")
    .description(
      "Print the edges of inputs as they happen, one a line: seconds since boot as the kernel's interrupt took them, the pin, the edge, its " +
        "number, and how many were lost before it if any. Any number of programs may watch a pin. With --state, print what any pin does, an " +
        "output that another drives included. Ends with Ctrl-C (exit status 130, as every program that a signal ends) or after -n events (0).",
    )
    .argument("<pin...>", PIN)
    .addOption(oneOf("--edge <edge>", "which edges (default: both)", ["rising", "falling", "both"]))
    .addOption(oneOf("--bias <bias>", "the pull resistor", ["as-is", "disabled", "pull-up", "pull-down"]))
    .option("--active-low", "rising is to the low level")
    .option("--debounce <duration>", "how long a level must last to count", debounce)
    .option("--silence <duration>", "print, too, when no such edge comes for so long: once, until the next one", duration)
    .option("--wait-closing <duration>", "how long to wait for a pin that is closing", duration)
    .option("-n, --count <n>", "end after so many events", count)
    .option("--state", "print changes of state and command instead of edges")
    .option("--json", "print each event as one line of JSON")
    .action(act);
  for (const option of watch.options) {
    if (inputOptions.includes(option.attributeName())) option.conflicts("state");
  }
  examples(watch, {
    "holdfast watch 4 --bias pull-up --edge falling": "a button to ground on GPIO4",
    "holdfast watch GPIO4 GPIO5 --debounce 5ms --json": "two buttons that bounce, for a program",
    "holdfast watch 5+6": "the two lines of a rotary encoder, as a group",
    "holdfast watch 4 --silence 2s": "a sensor that should pulse",
    "holdfast watch 4 -n 1 && echo pressed": "wait for one edge",
    "holdfast watch --state 17": "what an output does, whoever drives it",
  });
}

function act(names: string[], flags: WatchFlags, command: Command): Promise<void> {
  return withClient(command, async (client) => {
    const streams = await Promise.all(names.map((name) => (flags.state ? client.observe(name) : edges(client, name, flags))));
    const width = Math.max(...names.flatMap((name) => name.split("+")).map((name) => name.length), "GPIO00".length);
    const show = (event: Seen) => (flags.json ? printJson(fieldsOf(event)) : print(lineOf(event, width)));
    const ended = new HoldfastError("SHUTTING_DOWN", "the supervisor has closed the pin");
    await showEvents<Seen>(streams, flags.count, show, ended);
  });
}

async function edges(client: HoldfastClient, name: string, flags: WatchFlags): Promise<EventStream<EventOf<"edge"> | EventOf<"silence">>> {
  const { edge, bias, activeLow, debounce: debounceUs, silence: silenceMs, waitClosing: waitMs } = flags;
  const pin = await client.input(name, { bias, activeLow, debounceUs, waitMs });
  return client.subscribe("watch", { pin: pin.name, edge, silenceMs });
}

function fieldsOf(event: Seen): object {
  const { sub: _sub, ...fields } = event;
  return event.ev === "edge" ? { ...fields, edge: edgeOf(event) } : fields;
}

function edgeOf({ level }: EventOf<"edge">): string {
  return level === 1 ? "rising" : "falling";
}

function lineOf(event: Seen, width: number): string {
  const lost = !("lost" in event) || event.lost === 0 ? "" : `  ${paint(process.stdout, "yellow", `lost ${event.lost}`)}`;
  const pin = printable(("member" in event ? event.member : undefined) ?? event.pin).padEnd(width);
  if (event.ev === "edge") return `${formatNs(event.timestampNs)}  ${pin}  ${edgeOf(event).padEnd("falling".length)}  #${event.seq}${lost}`;
  if (event.ev === "silence") return `${formatNs(event.timestampNs)}  ${pin}  ${paint(process.stdout, "yellow", "silent")}`;
  const { state, value, level, levels, command, by } = event;
  const drives =
    level === null && levels != null
      ? ` ${levels.join("")}`
      : state === "on" && value !== null && value !== 1
        ? ` at ${value}`
        : state === "watching" && level !== null
          ? ` ${level}`
          : "";
  const why = command === null ? "" : `  command ${command}${by === null ? "" : ` by "${printable(by)}"`}`;
  return `${pin}  ${state}${drives}${why}${lost}`;
}
