import type { Line, LineListener, LineSettings } from "../backend.ts";
import { type Levels, levelsOf } from "../levels.ts";
import { type Failing, SimLine, type Surroundings, type Terminal } from "./line.ts";

/** Lines of a simulated chip that were requested as one. What it does to them nobody sees half done: they are told of it when all wires have settled. */
export class SimGroup implements Line {
  readonly #around: Surroundings;
  readonly #lines: readonly SimLine[];
  #failed = false;

  /** Requests the lines; all must be free. */
  constructor(terminals: readonly Terminal[], around: Surroundings, settings: LineSettings, consumer: string, listener: LineListener) {
    this.#around = around;
    // One descriptor tells of all lines: when it fails there is nothing more to hear, and that is told once.
    const ear: LineListener = {
      edge: (edge) => {
        if (!this.#failed) listener.edge(edge);
      },
      fail: (error) => {
        if (this.#failed) return;
        this.#failed = true;
        listener.fail(error);
      },
    };
    const lines: SimLine[] = [];
    this.#lines = lines;
    around.notices.change(this, () => {
      for (const [index, terminal] of terminals.entries()) {
        lines.push(new SimLine(terminal, around, settings, consumer, ear, { group: this, index }));
      }
    });
  }

  get(): Levels {
    this.#assertMay("get");
    return levelsOf(this.#lines.map((line) => line.level));
  }

  set(levels: Levels): void {
    this.#assertMay("set");
    this.#around.notices.change(this, () => {
      for (const line of this.#lines) line.set(levels);
    });
  }

  reconfigure(settings: LineSettings): void {
    this.#assertMay("reconfigure");
    this.#around.notices.change(this, () => {
      for (const line of this.#lines) line.reconfigure(settings);
    });
  }

  release(released: () => void): void {
    let held = this.#lines.length;
    for (const line of this.#lines) {
      line.release(() => {
        held -= 1;
        if (held === 0) released();
      });
    }
  }

  #assertMay(failing: Failing): void {
    for (const line of this.#lines) line.assertMay(failing);
  }
}
