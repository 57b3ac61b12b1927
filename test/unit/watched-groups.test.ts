import { afterEach, expect, test } from "bun:test";
import { RealClock } from "../../src/clock/real.ts";
import { libc } from "../../src/gpio/chardev/libc.ts";
import { WavePlayers } from "../../src/gpio/chardev/waves/thread.ts";
import { type Driven, type Levels, lowWord } from "../../src/gpio/levels.ts";
import { SimBackend } from "../../src/gpio/sim.ts";
import { createSupervisor, HoldfastError } from "../../src/index.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Simulated lines whose waves the real thread plays: what it drives comes out of a pipe, a byte with a bit for each line. */
class ThreadedSim extends SimBackend {
  readonly #players = new WavePlayers({ realTime: false });
  readonly #pipe = libc().pipe();

  constructor() {
    super({ clock: new RealClock() });
    closing.push(() => {
      this.#players.close();
      for (const end of Object.values(this.#pipe)) libc().close(end);
    });
  }

  override request(...asked: Parameters<SimBackend["request"]>) {
    const line = super.request(...asked);
    const fd = this.#pipe.writeEnd;
    const set = (to: Driven) => void libc().write(fd, Uint8Array.of(to === 1 ? 1 : lowWord(to as Levels)));
    const failure = (errno: number) => new HoldfastError("LINE_FAILED", `${errno}`);
    return Object.assign(Object.create(line), {
      get: () => line.get(),
      set: (to: Levels) => line.set(to),
      release: (released: () => void) => line.release(released),
      player: (...how: [never, never]) => this.#players.player({ target: { kind: "file", fd }, set, failure }, ...how),
    });
  }

  /** Waits until the thread, or the main thread, has driven this. */
  async until(bits: number): Promise<void> {
    const byte = new Uint8Array(new ArrayBuffer(1));
    while (libc().read(this.#pipe.readEnd, byte) === 0 || byte[0] !== bits) await Bun.sleep(1);
  }
}

test("a watch of a group that begins while a wave plays tells of what has changed since, and of nothing else", async () => {
  const backend = new ThreadedSim();
  await using supervisor = await createSupervisor({ backend });
  const client = await supervisor.client();
  const group = await client.output("GPIO17+GPIO27");
  await group.pattern({
    steps: [
      { levels: [1, 0], ms: 5 },
      { levels: [0, 0], ms: 3_600_000 },
    ],
  });
  await backend.until(0b01);
  await backend.until(0b00);
  const edges = await group.edges();
  await group.write([0, 1], { mode: "nowait" });
  const { value } = await edges.next();
  expect(value).toMatchObject({ index: 1, level: 1, seq: 1 });
  await supervisor.shutdown({ hard: true });
});
