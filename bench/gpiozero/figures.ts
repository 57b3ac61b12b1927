import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";
import { freePort } from "../free-port.ts";
import { median, medians, percentile } from "../medians.ts";
import { cpuUs } from "../proc.ts";
import { startSupervisor, stop } from "../supervisor.ts";

/** What `toggle()` of a LED takes, by one factory. */
export interface Toggles {
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of the program, for one toggle. */
  readonly cpuUs: number;
}

/** A LED of gpiozero toggled by each factory, in the middle of the rounds. */
export interface GpiozeroFigures {
  /** gpiozero's own, with no pins behind it: what gpiozero and Python take. */
  readonly mock: Toggles;
  readonly holdfast: Toggles;
  /** gpiozero's factory for pigpio, by our listener; null: there is no pigpio for Python. */
  readonly pigpio: Toggles | null;
  /** Of the supervisor, for one toggle by our own factory. */
  readonly serverCpuUs: number;
}

type Factory = "mock" | "holdfast" | "pigpio";

const ROUNDS = 3;
const TOGGLES = 2000;

/** Debian's, which has its gpiozero. */
const PYTHON = "/usr/bin/python3";

/** @param folder for the socket @param tell told what is measured now @returns null: there is no gpiozero, or no cbor2, for Python */
export async function measureGpiozero(folder: string, tell: (what: string) => void): Promise<GpiozeroFigures | null> {
  if (!(await has("gpiozero", "cbor2"))) return null;
  const [socket, config, port] = [join(folder, "gpiozero.sock"), join(folder, "gpiozero.toml"), await freePort()];
  writeFileSync(config, `[listen.pigpio]\nport = ${port}\n`);
  const { child } = await startSupervisor(socket, "--config", config);
  try {
    const where = { mock: "", holdfast: socket, pigpio: String(port) };
    const factories: readonly Factory[] = (await has("pigpio")) ? ["mock", "holdfast", "pigpio"] : ["mock", "holdfast"];
    const rounds: Record<Factory, Toggles[]> = { mock: [], holdfast: [], pigpio: [] };
    const serverCpuUs: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      for (const factory of factories) {
        tell(`gpiozero: round ${round} of ${ROUNDS}, ${factory}`);
        const before = cpuUs(child.pid);
        rounds[factory].push(await toggle(factory, where[factory]));
        // As many toggles go before those that count.
        if (factory === "holdfast") serverCpuUs.push((cpuUs(child.pid) - before) / (2 * TOGGLES));
      }
    }
    return {
      mock: medians(rounds.mock),
      holdfast: medians(rounds.holdfast),
      pigpio: factories.includes("pigpio") ? medians(rounds.pigpio) : null,
      serverCpuUs: median(serverCpuUs),
    };
  } finally {
    await stop(child);
  }
}

async function has(...modules: readonly string[]): Promise<boolean> {
  return Bun.which(PYTHON) !== null && (await $`${PYTHON} -c ${`import ${modules.join()}`}`.nothrow().quiet()).exitCode === 0;
}

async function toggle(factory: Factory, where: string): Promise<Toggles> {
  const env = { ...process.env, PYTHONPATH: join(import.meta.dir, "..", "..", "python"), PYTHONDONTWRITEBYTECODE: "1" };
  const toggled = await $`${PYTHON} ${[join(import.meta.dir, "toggle.py"), factory, String(TOGGLES), where]}`.env(env).json();
  return { p50Us: median(toggled.tookUs), p99Us: percentile(toggled.tookUs, 0.99), cpuUs: toggled.cpuUs };
}
