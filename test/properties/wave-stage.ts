import assert from "node:assert/strict";
import { steady, waveOf } from "../../actors/wave.ts";
import { ClockPlayer } from "../../src/gpio/clock-player.ts";
import { type Levels, levelAt } from "../../src/gpio/levels.ts";
import { SimBackend } from "../../src/gpio/sim.ts";
import type { WavePlayer } from "../../src/gpio/wave-player.ts";
import type { CommandRequest, Level } from "../../src/protocol/requests.ts";
import { RestlessClock } from "../../src/testing/restless-clock.ts";

const line = { chip: "sim:0", offset: 17 };

/** A change of the line. */
export interface Change {
  readonly level: Level;
  readonly atUs: number;
}

/** A player on a simulated line, and all that it tells. A line whose wave has ended is rested, as a pin does. */
export class WaveStage {
  readonly clock: RestlessClock;
  readonly player: WavePlayer;
  readonly started: number[] = [];
  readonly ended: { readonly number: number; readonly lateMs: number; readonly atUs: number }[] = [];
  readonly limited: { readonly number: number; readonly atUs: number }[] = [];
  skipped = 0;
  readonly #edges: Change[] = [];
  readonly #sim: SimBackend;

  constructor({ startUs = 1_000_000, maxOnMs = Number.POSITIVE_INFINITY, frequencyHz = 200 } = {}) {
    this.clock = new RestlessClock(startUs);
    this.#sim = new SimBackend({ clock: this.clock });
    const settings = { direction: "out", activeLow: false, bias: "as-is", drive: "push-pull", initial: 0 } as const;
    const requested = this.#sim.request(line, settings, "test", { edge: () => {}, fail: () => {} });
    this.player = new ClockPlayer(requested, { initial: 0, maxOnMs, frequencyHz }, this.clock, {
      started: (number) => this.started.push(number),
      ended: (number, lateMs) => {
        this.ended.push({ number, lateMs, atUs: this.clock.nowUs() });
        this.player.rest(0);
      },
      limited: (number) => this.limited.push({ number, atUs: this.clock.nowUs() }),
      failed: (error) => assert.fail(error),
      edge: (levels: Levels, atUs) => this.#edges.push({ level: levelAt(levels, 0), atUs }),
      skipped: (cycles) => {
        this.skipped += cycles;
      },
    });
  }

  play(number: number, request: CommandRequest): void {
    this.player.play(number, waveOf(request, steady(0)), false);
  }

  /** The changes of the line, as the chip saw them; the player has told of the same ones. */
  get changes(): readonly Change[] {
    const seen = this.#sim.trace(line).map(({ level, timestampNs }) => ({ level, atUs: Number(timestampNs) / 1000 }));
    assert.deepEqual(
      seen,
      this.#edges.map(({ level, atUs }) => ({ level, atUs: Number(BigInt(Math.round(atUs * 1000))) / 1000 })),
      "the line changes, and the player tells of it, at the same instants",
    );
    return seen;
  }

  get level(): Level {
    return this.#sim.level(line);
  }
}
