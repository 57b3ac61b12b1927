/**
 * `bun supervisor.ts SOCKET`: a supervisor as `serve` is one, with pins whose waves are recorded. Told over IPC of a `Play`, it has the pin
 * play that by a command, and answers with a `Recording`.
 */
import { createSupervisor } from "../../src/index.ts";
import { RecordedBackend, recordedPins } from "./recorded-backend.ts";
import type { Played, Shape } from "./shapes.ts";

/** A wave to be played, and how. */
export interface Play {
  readonly shape: Shape;
  readonly forMs: number;
  readonly realTime: boolean;
}

/** What came of it. */
export interface Recording {
  readonly played: Played;
  /** The thread ran before all ordinary work. */
  readonly realTime: boolean;
}

const backend = new RecordedBackend();
backend.start();
const supervisor = await createSupervisor({ backend, socket: process.argv[2] as string });
const client = await supervisor.client({ name: "waves" });
const pins = { normal: await client.output(recordedPins.normal), realTime: await client.output(recordedPins.realTime) };

async function play({ shape, forMs, realTime }: Play): Promise<Recording> {
  const kind = realTime ? "realTime" : "normal";
  const { onUs, periodUs } = shape;
  if (shape.name.startsWith("1 kHz")) await pins[kind].blink({ onMs: onUs / 1000, offMs: (periodUs - onUs) / 1000 });
  else await pins[kind].value(onUs / periodUs);
  await Bun.sleep(forMs);
  await pins[kind].off();
  const entries = backend.records[kind].take();
  const firstUs = entries[0]?.atUs ?? Number.NaN;
  const played = entries.map(({ atUs }) => atUs - firstUs).filter((atUs) => atUs < forMs * 1000);
  return { played, realTime: realTime && backend.isRealTime };
}

process.on("message", async (told: Play) => process.send?.(await play(told)));
process.on("disconnect", () => process.exit(0));
