import { afterEach, expect, test } from "bun:test";
import { steady, waveOf } from "../../actors/wave.ts";
import { libc } from "../../src/gpio/chardev/libc.ts";
import { WavePlayers } from "../../src/gpio/chardev/waves/thread.ts";
import type { Driven } from "../../src/gpio/levels.ts";
import type { WavePlayer } from "../../src/gpio/wave-player.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import type { CommandRequest } from "../../src/protocol/requests.ts";

/** The longest that anything may take, in ms: a machine may be very busy. */
const PATIENCE_MS = 60_000;

const PERIOD_NS = 1_000_000;

/** A channel of hardware PWM that is a pipe: what the thread writes comes out in order; what the main thread sets is kept beside it. */
class Channel {
  readonly #players = new WavePlayers({ realTime: false });
  readonly #pipe = libc().pipe();
  readonly player: WavePlayer;
  /** Every duty that the main thread has set. */
  readonly set: number[] = [];
  readonly edges: number[] = [];
  ended = 0;

  constructor() {
    const line = {
      target: { kind: "duty", fd: this.#pipe.writeEnd, periodNs: PERIOD_NS },
      set: (to: Driven) => void this.set.push(Number(to)),
      setPeriod: () => 1000,
      failure: (errno: number) => new HoldfastError("LINE_FAILED", `errno ${errno}`),
    } as const;
    const settings = { initial: 0, maxOnMs: Number.POSITIVE_INFINITY, frequencyHz: 1000 } as const;
    this.player = this.#players.player(line, settings, {
      started: () => {},
      ended: () => this.ended++,
      limited: () => {},
      failed: (error) => {
        throw error;
      },
      edge: (levels) => void this.edges.push(Number(levels)),
      skipped: () => {},
    });
    this.player.watched = true;
  }

  play(request: CommandRequest): void {
    this.player.play(1, waveOf(request, steady(0)), true);
  }

  async untilEnded(waves: number): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (this.ended < waves) {
      if (performance.now() > deadlineMs) throw new Error(`in vain waited for the end of wave ${waves}`);
      await Bun.sleep(1);
    }
  }

  /** The times on that the thread has written since, in ns. */
  written(): number[] {
    const bytes = new Uint8Array(new ArrayBuffer(4096));
    const text = Buffer.from(bytes.subarray(0, libc().read(this.#pipe.readEnd, bytes))).toString();
    expect(text.endsWith("\n")).toBe(true);
    return text.trim().split("\n").map(Number);
  }

  close(): void {
    this.player.stop();
    this.#players.close();
    for (const fd of Object.values(this.#pipe)) libc().close(fd);
  }
}

const channels: Channel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

function channel(): Channel {
  const made = new Channel();
  channels.push(made);
  return made;
}

const pin = { id: 0, pin: "GPIO18" } as const;

test("the thread fades a channel by its time on in each period, and turns it off at the end", async () => {
  const one = channel();
  one.play({ ...pin, op: "pulse", fadeInMs: 20, fadeOutMs: 20, n: 1 });
  await one.untilEnded(1);
  expect(one.set).toEqual([0.025]);
  const times = one.written();
  const [last, ...before] = [...times].reverse();
  expect(last).toBe(0);
  // A busy machine may pass over steps, and drives none twice.
  for (const ns of before) expect((ns - 25_000) % 50_000).toBe(0);
  const peak = times.indexOf(Math.max(...times));
  expect(times.slice(0, peak + 1)).toEqual(times.slice(0, peak + 1).toSorted((a, b) => a - b));
  expect(times.slice(peak)).toEqual(times.slice(peak).toSorted((a, b) => b - a));
  expect(one.edges).toEqual([1, 0]);
});

test("the thread blinks a channel by levels, and a duty that stands needs nothing written", async () => {
  const one = channel();
  one.play({ ...pin, op: "blink", onMs: 2, offMs: 2, n: 3 });
  await one.untilEnded(1);
  expect(one.set).toEqual([1]);
  expect(one.written()).toEqual([0, PERIOD_NS, 0, PERIOD_NS, 0]);
  one.play({ ...pin, op: "value", value: 1 / 3, durationMs: 20 });
  await one.untilEnded(2);
  expect(one.set).toEqual([1, 1 / 3]);
  expect(one.written()).toEqual([0]);
  expect(one.player.level).toBe(0);
});
