import assert from "node:assert/strict";
import type { Alarm } from "../clock/clock.ts";
import { SimulatedClock } from "../clock/simulated.ts";

/** How many tasks one instant may bring before time counts as standing still. */
const MOST_AT_ONCE = 1000;

/** A simulated clock that notices when its tasks set each other for the same instant for ever. */
export class RestlessClock extends SimulatedClock {
  #sinceUs = Number.NaN;
  #set = 0;

  override at(dueUs: number, task: () => void): Alarm {
    const nowUs = this.nowUs();
    this.#set = nowUs === this.#sinceUs ? this.#set + 1 : 0;
    this.#sinceUs = nowUs;
    assert(this.#set < MOST_AT_ONCE, "time stands still");
    return super.at(dueUs, task);
  }
}
