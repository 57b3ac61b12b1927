import type { LineId } from "../gpio/backend.ts";
import type { Level } from "../protocol/requests.ts";
import type { World } from "./world.ts";

/** A change of level. */
export interface WireEdge {
  readonly level: Level;
  /** Since the world began, in ms. */
  readonly atMs: number;
}

/** A time for which a wire is on, in ms since the world began. Infinity: it still is. */
export interface TimeOn {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** When a line is on that has these levels, one after the other. Off for no time at all is not off. */
export function timesOn(levels: readonly (TimeOn & { readonly level: Level })[]): TimeOn[] {
  const times: { fromMs: number; untilMs: number }[] = [];
  for (const { level, fromMs, untilMs } of levels) {
    const last = times.at(-1);
    if (level === 0) continue;
    if (last?.untilMs === fromMs) last.untilMs = untilMs;
    else times.push({ fromMs, untilMs });
  }
  return times;
}

/** The wire at a line: what the world outside does to it and sees of it. Its levels are physical: 1 is high, whatever is active. */
export class Wire {
  readonly #world: World;
  readonly #id: LineId;

  /** @internal */
  constructor(world: World, id: LineId) {
    this.#world = world;
    this.#id = id;
  }

  /** The level that it has now. */
  get level(): Level {
    return this.#world.sim.level(this.#id);
  }

  /** Every change of its level, oldest first; of more than 10 000 the latest. */
  get edges(): readonly WireEdge[] {
    return this.#world.sim.trace(this.#id).map(({ level, timestampNs }) => ({ level, atMs: this.#world.msOf(timestampNs) }));
  }

  /** When it was on. */
  get timesOn(): readonly TimeOn[] {
    const { edges } = this;
    return timesOn(
      edges.map(({ level, atMs }, index) => ({ level, fromMs: atMs, untilMs: edges[index + 1]?.atMs ?? Number.POSITIVE_INFINITY })),
    );
  }

  /** Something outside drives it, as a switch or another board does; null: it lets go. */
  drive(level: Level | null): void {
    this.#world.sim.drive(this.#id, level);
  }

  /** Something outside drives it from now on to one level after the other, each for its time, and then lets go. */
  script(steps: readonly { readonly level: Level; readonly ms: number }[]): void {
    const { clock } = this.#world;
    let atUs = clock.nowUs();
    for (const { level, ms } of steps) {
      clock.at(atUs, () => this.drive(level));
      atUs += ms * 1000;
    }
    clock.at(atUs, () => this.drive(null));
  }

  /** Joins it with another wire, for good. */
  connect(other: Wire): void {
    this.#world.sim.wire(this.#id, other.#id);
  }

  /** Calls `listener` behind each change of its level, when all wires have settled: something outside that moves with it. */
  follow(listener: (edge: WireEdge) => void): void {
    this.#world.sim.follow(this.#id, (level, timestampNs) => listener({ level, atMs: this.#world.msOf(timestampNs) }));
  }
}
