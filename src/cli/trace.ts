import type { Command } from "commander";
import { RealClock } from "../clock/real.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf } from "../protocol/replies.ts";
import { ADDRESS, count, duration, examples } from "./arguments.ts";
import { dieOf, endSoftly } from "./interruption.ts";
import { counted, print, printJson } from "./print.ts";
import { withClient } from "./session.ts";
import { edgeLine, type Traced, tracedFields, transitionLine } from "./traced.ts";
import { TraceVcd } from "./vcd/trace-vcd.ts";

interface TraceFlags {
  readonly vcd?: string;
  readonly for?: number;
  readonly count?: number;
  readonly json?: true;
}

type Seen = EventOf<"transition"> | EventOf<"edge">;

/** `holdfast trace`. */
export function addTrace(program: Command): void {
  const trace = program
    .command("trace")
    .summary("Print what all actors do, and the edges of pins")
    .description(
      "Print the state that each actor is in, and then each transition and each edge of a pin, one a line: seconds since boot, the address, the " +
        "state before and the one now, the event that it was for. Actors that come and go are told of too. With --vcd all goes to a file of waveforms " +
        "instead, for GTKWave and PulseView. Ends with Ctrl-C (exit status 130, as every program that a signal ends), with --for, or after -n lines (0).",
    )
    .argument("[address]", `that one, and all below it: ${ADDRESS}`)
    .option("--vcd <file>", "write waveforms (a value change dump); the file can be read at any time")
    .option("--for <duration>", "end after so long", duration)
    .option("-n, --count <n>", "end after so many lines", count)
    .option("--json", "print each event as one line of JSON, with --vcd too")
    .action(act);
  examples(trace, {
    "holdfast trace": "all that happens",
    "holdfast trace pool/cam0": "what becomes of each slot",
    "holdfast trace --vcd out.vcd --for 10s && gtkwave out.vcd": "to be looked at like the probes of a logic analyser",
    "holdfast trace actor/door --json": "for a program",
  });
}

async function act(address: string | undefined, flags: TraceFlags, command: Command): Promise<void> {
  const interruption = await withClient(command, async (client) => {
    const trace = await client.trace(address);
    const clock = new RealClock();
    let isOver = false;
    const end = () => {
      isOver = true;
      void trace.return();
    };
    const alarm = flags.for === undefined ? null : clock.at(clock.nowUs() + flags.for * 1000, end);
    // What leaves nothing unfinished ends at once.
    const interrupted = flags.vcd === undefined ? null : endSoftly(trace);
    const events = first(flags.count, trace, end);
    try {
      await (flags.vcd === undefined ? show(events, flags) : record(events, flags.vcd, flags));
    } finally {
      alarm?.cancel();
    }
    const signal = interrupted?.() ?? null;
    if (signal === null && !isOver) throw new HoldfastError("DISCONNECTED", "the trace has ended");
    return signal;
  });
  if (interruption !== null) await dieOf(interruption);
}

async function* first(most: number | undefined, trace: AsyncIterable<Seen>, end: () => void): AsyncGenerator<Traced> {
  let left = most ?? Number.POSITIVE_INFINITY;
  for await (const event of trace) {
    yield tracedFields(event);
    left -= 1;
    if (left === 0) end();
  }
}

async function show(events: AsyncIterable<Traced>, { json }: TraceFlags): Promise<void> {
  for await (const event of events) {
    if (json) await printJson(event);
    else await print(event.ev === "edge" ? edgeLine(event) : transitionLine(event, false));
  }
}

/** How often what has come is written, in ms. What comes out of order may be as late. */
const WRITE_EVERY_MS = 100;

/** Writes the events to a file, until they end. @throws FileFailed */
async function record(events: AsyncIterable<Traced>, path: string, { json }: TraceFlags): Promise<void> {
  const vcd = new TraceVcd(path);
  const clock = new RealClock();
  let heardUs = clock.nowUs();
  const take = async () => {
    for await (const event of events) {
      heardUs = clock.nowUs();
      vcd.add(event);
      if (json) await printJson(event);
    }
  };
  let writing: ReturnType<typeof setInterval> | undefined;
  const failing = new Promise<never>((_, reject) => {
    const write = () => {
      try {
        vcd.write();
      } catch (error) {
        reject(error);
      }
    };
    writing = setInterval(write, WRITE_EVERY_MS);
  });
  try {
    await Promise.race([take(), failing]);
  } finally {
    clearInterval(writing);
    vcd.end(BigInt(Math.round((clock.nowUs() - heardUs) * 1000)));
  }
  if (vcd.leftOut > 0) complain(`${path} has no room for ${counted(vcd.leftOut, "variable")} more: trace one actor, by its address`);
  if (vcd.lost > 0) complain(`${counted(vcd.lost, "event")} came too fast and ${vcd.lost === 1 ? "is" : "are"} not in ${path}`);
}

function complain(text: string): void {
  process.stderr.write(`holdfast: ${text}.\n`);
}
