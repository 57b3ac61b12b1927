/**
 * See it work, on simulated pins: `bun scripts/demo.ts`, after dist/holdfast has been built. One supervisor, two processes that
 * watch one button, a third that blinks and pulses LEDs, and what each of them sees. Ends with status 1 when one of them did
 * not see what happened, or when something is left behind.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type HoldfastClient, type OutputPin } from "../src/index.ts";

const PRESSES = 3;
const BUTTON = "GPIO4";
const RED = "GPIO17";
const GREEN = "GPIO27";

/** The last flashes, for which nobody waits but the supervisor, and how long each is, in ms. */
const FLASHES = 5;
const FLASH_MS = 100;

/** Longest time that anything here may take, in ms. */
const PATIENCE_MS = 120_000;

const executable = join(import.meta.dir, "..", "dist", "holdfast");
const painted = process.stdout.isTTY && !process.env["NO_COLOR"];
const colours = { supervisor: 36, door: 33, counter: 35, lights: 32, button: 34, shell: 90 } as const;
type Actor = keyof typeof colours;

function paint(colour: number, text: string): string {
  return painted ? `\x1b[${colour}m${text}\x1b[0m` : text;
}

function say(actor: Actor, text: string): void {
  for (const line of text.trimEnd().split("\n")) console.log(`${paint(colours[actor], actor.padStart(10))} │ ${line}`);
}

/** The third process: a program that uses the library. It holds two pins, and lets each of them do one thing after the other. It ends no sooner than its input. */
async function lights(): Promise<void> {
  await using client = await connect({ name: "lights" });
  const [red, green] = await Promise.all([client.output(RED), client.output(GREEN)]);
  const told = async (pin: OutputPin, what: string, done: ReturnType<OutputPin["blink"]>) => {
    const { lateMs = 0 } = await done;
    console.log(`${pin.name}: ${what}: done, ${lateMs.toFixed(1)} ms late`);
  };
  console.log(`${RED} blinks 5 times, then pulses twice, in this order; ${GREEN} pulses 3 times meanwhile`);
  await Promise.all([
    told(red, "5 blinks", red.blink({ onMs: 150, offMs: 150, n: 5, ack: "done" })),
    told(red, "2 pulses", red.pulse({ fadeInMs: 400, fadeOutMs: 400, n: 2, ack: "done" })),
    told(green, "3 pulses", green.pulse({ fadeInMs: 300, fadeOutMs: 500, n: 3, ack: "done" })),
  ]);
  await Bun.stdin.text();
  await green.blink({ onMs: FLASH_MS, offMs: FLASH_MS, n: FLASHES });
  console.log(`${GREEN} is to blink ${FLASHES} times more; this process ends now, and what was accepted still runs`);
}

/** A process of the demo; what it prints is shown under its name. */
class Shown {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #shown: Promise<unknown>;
  readonly lines: string[] = [];

  constructor(
    readonly actor: Actor,
    command: readonly string[],
    readonly format = (line: string) => line,
  ) {
    this.#process = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "pipe", env: { ...process.env } });
    this.#shown = Promise.all([this.#show(this.#process.stdout), this.#show(this.#process.stderr)]);
  }

  /** The exit status, when all that it printed has been shown. */
  async ended(): Promise<number> {
    await this.#shown;
    return this.#process.exited;
  }

  /** When it has printed what is looked for, that line. */
  async printed(text: string): Promise<string> {
    return until(`${this.actor} prints ${text}`, () => this.lines.find((line) => line.includes(text)));
  }

  endInput(): void {
    this.#process.stdin.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async #show(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.lines.push(line);
        say(this.actor, this.format(line));
      }
    }
  }
}

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await Bun.sleep(10)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`waited in vain until ${what}`);
}

function expect(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
}

/** How often a pin comes on in the last of its commands before it is given back. */
async function lastFlashes(pin: string, client: HoldfastClient): Promise<number> {
  let [flashes, before] = [0, 0];
  for await (const event of await client.trace(`pin/${pin}`)) {
    if (event.ev === "edge") flashes += event.level;
    else if (event.state === "idle") [flashes, before] = [0, flashes];
    else if (event.state === "closed" && event.from !== null) break;
  }
  // It may have been idle before it was given back: its process had yet to end.
  return flashes || before;
}

/** A line of the supervisor's log for a reader of the demo. */
function logLine(line: string): string {
  const { msg, chips, signal } = JSON.parse(line);
  if (chips !== undefined) return `${msg}: ${chips[0].lines} simulated lines of "${chips[0].label}"`;
  return signal === undefined ? msg : `${msg}, by ${signal}`;
}

async function demo(folder: string): Promise<void> {
  const socket = join(folder, "holdfast.sock");
  const processes: Shown[] = [];
  const start = (actor: Actor, args: readonly string[], format?: (line: string) => string) => {
    say(actor, paint(1, `$ holdfast ${args.join(" ")}`));
    const started = new Shown(actor, [executable, ...args], format);
    processes.push(started);
    return started;
  };
  try {
    process.env["HOLDFAST_SOCKET"] = socket;
    const supervisor = start("supervisor", ["serve", "--backend", "sim"], logLine);
    await supervisor.printed('"ready"');

    const watchers = (["door", "counter"] as const).map((actor) =>
      start(actor, ["watch", BUTTON, "--bias", "pull-up", "-n", String(2 * PRESSES)]),
    );
    await using client = await connect({ name: "demo" });
    const info = async (name: string) => (await client.pins()).find(({ pin }) => pin === name);
    await until("both watch", async () => ((await info(BUTTON))?.holders.length === 2 ? true : undefined));

    const flashes = lastFlashes(GREEN, client);
    const third = new Shown("lights", [process.execPath, import.meta.path, "lights"]);
    processes.push(third);
    await third.printed("blinks");

    // What two programs on one pin get elsewhere is "GPIO busy"; here the second one learns who has it, and what to do.
    expect("a held pin is refused", (await start("shell", ["on", RED]).ended()) === 1);
    third.endInput();

    for (let press = 1; press <= PRESSES; press++) {
      await Bun.sleep(400);
      expect("the button goes down", (await start("button", ["sim", "set", BUTTON, "0"]).ended()) === 0);
      await Bun.sleep(200);
      expect("the button comes up", (await start("button", ["sim", "set", BUTTON, "free"]).ended()) === 0);
      if (press === 1) expect("the pins can be listed", (await start("shell", ["pins", "--open"]).ended()) === 0);
    }
    for (const watcher of watchers) {
      expect(`${watcher.actor} ends well`, (await watcher.ended()) === 0);
      const seen = watcher.lines.map((line) => /(rising|falling) +#(\d+)$/.exec(line)?.slice(1).join(" "));
      const happened = Array.from({ length: 2 * PRESSES }, (_, index) => `${index % 2 === 0 ? "falling" : "rising"} ${index + 1}`);
      expect(`${watcher.actor} saw every edge, in order`, seen.join() === happened.join());
    }
    expect("the lights end well", (await third.ended()) === 0);
    expect("all lights were done", third.lines.filter((line) => line.includes(": done")).length === 3);

    supervisor.kill("SIGTERM");
    expect("the supervisor ends well", (await supervisor.ended()) === 0);
    await supervisor.printed('"stopped"');
    expect("it let the last blinks run", (await flashes) === FLASHES);
    expect("no socket is left", !existsSync(socket));
  } finally {
    for (const each of processes) each.kill("SIGKILL");
    await Promise.all(processes.map((each) => each.ended()));
  }
}

if (process.argv[2] === "lights") {
  await lights();
} else {
  const startedMs = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "holdfast-demo-"));
  // The terminal sends it to the processes as well.
  process.once("SIGINT", () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  });
  try {
    console.log(`${paint(1, "holdfast")}: one supervisor holds the pins; everyone else talks to it. The pins are simulated.\n`);
    expect("dist/holdfast is there; `make build` makes it", existsSync(executable));
    await demo(folder);
    console.log(
      `\nEvery edge was seen by both, every command has run, nothing is left. ${((performance.now() - startedMs) / 1000).toFixed(1)} s.`,
    );
  } catch (error) {
    console.error(`\nThe demo has failed: ${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
