/**
 * Forty pins that blink, in a supervisor of its own: the simulated header of `serve` has only 28 lines. Prints the memory before and
 * after as JSON, and the share of a processor that the blinking takes.
 */
import { simHeader } from "../src/gpio/sim.ts";
import { createSupervisor, RealClock, SimBackend } from "../src/index.ts";
import { cpuUs, memory } from "./proc.ts";

/** How it went. */
export interface BlinkingFigures {
  readonly pins: number;
  readonly idleMb: number;
  readonly blinkingMb: number;
  readonly edgesPerSecond: number;
  /** Of one processor, in percent. */
  readonly cpuPercent: number;
}

const PINS = 40;
const HALF_PERIOD_MS = 50;
const MEASURED_MS = 5000;

if (import.meta.main) {
  const chips = [simHeader, { ...simHeader, path: "sim:1", label: "second" }];
  const supervisor = await createSupervisor({ backend: new SimBackend({ clock: new RealClock(), chips }) });
  const client = await supervisor.client({ name: "bench" });
  await Bun.sleep(1000);
  const idleMb = memory(process.pid).residentMb;
  for (let index = 0; index < PINS; index++) {
    const { label } = chips[index % 2] as (typeof chips)[0];
    const pin = await client.output(`${label}:${index >> 1}`);
    await pin.blink({ onMs: HALF_PERIOD_MS, offMs: HALF_PERIOD_MS });
  }
  const [cpu, began] = [cpuUs(process.pid), performance.now()];
  await Bun.sleep(MEASURED_MS);
  const cpuPercent = ((cpuUs(process.pid) - cpu) / ((performance.now() - began) * 1000)) * 100;
  const edgesPerSecond = (PINS * 1000) / HALF_PERIOD_MS;
  console.log(JSON.stringify({ pins: PINS, idleMb, blinkingMb: memory(process.pid).residentMb, edgesPerSecond, cpuPercent }));
  await supervisor.shutdown({ hard: true });
  process.exit(0);
}
