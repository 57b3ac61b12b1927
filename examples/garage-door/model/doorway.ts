// The door itself, for tests: motors move it, and it moves the end stops.

import type { SimulatedActor } from "holdfast/testing";

const END_TO_END_MS = 12_000;

export class Doorway {
  readonly #door: SimulatedActor;
  /** 0: at the bottom, 1: at the top. */
  #height = 0;
  #sinceMs = 0;
  #speed = 0;
  #isJammed = false;
  #arrival: { cancel(): void } | undefined;

  constructor(door: SimulatedActor) {
    this.#door = door;
    door.wire("up").follow(() => this.#move());
    door.wire("down").follow(() => this.#move());
    this.#move();
  }

  /** Something is in its way, or is no more. */
  set isJammed(isJammed: boolean) {
    this.#isJammed = isJammed;
    this.#move();
  }

  get height(): number {
    const height = this.#height + (this.#speed * (this.#door.world.nowMs - this.#sinceMs)) / END_TO_END_MS;
    // Rounded, so that it arrives when it is about to.
    return Math.min(1, Math.max(0, Math.round(height * 1e9) / 1e9));
  }

  #move(): void {
    const { clock, nowMs } = this.#door.world;
    this.#height = this.height;
    this.#sinceMs = nowMs;
    this.#speed = this.#isJammed ? 0 : this.#door.wire("up").level - this.#door.wire("down").level;
    this.#door.wire("top").drive(this.#height === 1 ? 0 : null);
    this.#door.wire("bottom").drive(this.#height === 0 ? 0 : null);
    this.#arrival?.cancel();
    const leftMs = (this.#speed > 0 ? 1 - this.#height : this.#height) * END_TO_END_MS;
    if (this.#speed !== 0 && leftMs > 0) this.#arrival = clock.at(clock.nowUs() + leftMs * 1000, () => this.#move());
  }
}
