import assert from "node:assert/strict";
import type { Alarm, Clock } from "../../clock/clock.ts";
import { timestampNs } from "../../clock/clock.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Bias, Level } from "../../protocol/requests.ts";
import type { Line, LineId, LineListener, LineSettings } from "../backend.ts";
import { type Levels, levelAt } from "../levels.ts";
import { type Pad, settle } from "./net.ts";
import type { Notices } from "./notices.ts";

/** What can be made to fail: a call, or the reading of edges, which then ends with `fail`. */
export type Failing = "request" | "get" | "set" | "reconfigure" | "edges";

/** A line of a simulated chip, requested or not. */
export interface Terminal {
  readonly id: LineId;
  /** `holdfast-sim:17`. */
  readonly place: string;
  readonly pad: Pad;
  /** Who has it; null: nobody. `line` is null when the holder is another program. */
  holder: { readonly consumer: string; readonly line: SimLine | null } | null;
  /** The chip has gone. */
  gone: boolean;
  readonly failures: Map<Failing, HoldfastError>;
  /** How many of the next edges the kernel's buffer will have no room for. */
  edgesToLose: number;
  /** How long the next release takes, in µs. */
  releaseDelayUs: number;
  requests: number;
  releases: number;
}

/** Throws what was asked for by `failNext`, once. */
export function failIfAsked(terminal: Terminal, failing: Failing): void {
  const failure = terminal.failures.get(failing);
  if (failure === undefined) return;
  terminal.failures.delete(failing);
  throw failure;
}

/** The error of a line whose chip has gone. */
export function lineLost({ id, place }: Terminal): HoldfastError {
  return new HoldfastError("LINE_LOST", `the chip of ${place} has gone`, { ...id });
}

/** The chip that lines belong to, as far as they need it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly notices: Notices;
  /** The pads of `pad`'s net have begun to drive against each other. */
  contention(pad: Pad): void;
}

const pulls: Readonly<Record<Exclude<Bias, "as-is">, Level | null>> = { disabled: null, "pull-up": 1, "pull-down": 0 };

/** A requested line. Its rules are those of the kernel's gpiolib-cdev.c; where a name here is odd, that file explains it. */
export class SimLine implements Line {
  readonly #terminal: Terminal;
  readonly #around: Surroundings;
  readonly #listener: LineListener;
  /** Which line of a group this is, and what stands for the group where a line would. */
  readonly #index: number;
  readonly #group: object;
  #direction: "in" | "out" | "as-is" = "as-is";
  #activeLow = false;
  #debounceUs = 0;
  /** The physical level that a debounced input last kept for long enough. */
  #stable: Level = 0;
  #debouncing: Alarm | null = null;
  #lost = 0;
  #deaf = false;
  #released = false;

  /**
   * Requests the line; it must be free.
   * @param at its place in a group, whose levels it is given and of which it takes its own
   */
  constructor(
    terminal: Terminal,
    around: Surroundings,
    settings: LineSettings,
    consumer: string,
    listener: LineListener,
    at?: { readonly group: object; readonly index: number },
  ) {
    this.#terminal = terminal;
    this.#around = around;
    this.#listener = listener;
    this.#index = at?.index ?? 0;
    this.#group = at?.group ?? this;
    terminal.holder = { consumer, line: this };
    terminal.requests++;
    around.notices.change(this.#group, () => this.#apply(settings));
  }

  get(): Level {
    this.assertMay("get");
    return this.level;
  }

  /** The logical level, as a request for it finds it. */
  get level(): Level {
    return this.#logical(this.#debounceUs > 0 ? this.#stable : this.#terminal.pad.net.level);
  }

  set(levels: Levels): void {
    this.assertMay("set");
    const { pad, place, id } = this.#terminal;
    const output = pad.output;
    if (output === null) throw new HoldfastError("LINE_FAILED", `${place} is not an output, so it can't be set`, { ...id });
    this.#around.notices.change(this.#group, () => {
      pad.output = { level: this.#logical(levelAt(levels, this.#index)), drive: output.drive };
      this.#settle();
    });
  }

  reconfigure(settings: LineSettings): void {
    this.assertMay("reconfigure");
    this.#around.notices.change(this.#group, () => this.#apply(settings));
  }

  release(released: () => void): void {
    assert(!this.#released, `${this.#terminal.place} is released twice`);
    this.#released = true;
    this.#stopDebouncing();
    const delayUs = this.#terminal.releaseDelayUs;
    this.#terminal.releaseDelayUs = 0;
    if (delayUs === 0) this.#free(released);
    else this.#around.clock.at(this.#around.clock.nowUs() + delayUs, () => this.#free(released));
  }

  /** The wire has changed to this physical level. Within a change. */
  see(level: Level): void {
    if (this.#direction !== "in" || this.#released) return;
    if (this.#debounceUs === 0) this.#edge(level);
    else this.#debounce();
  }

  /** Tells the listener that it will hear no more. Within a change. */
  fail(error: HoldfastError): void {
    this.#deaf = true;
    this.#stopDebouncing();
    this.#around.notices.post(this.#group, () => {
      if (!this.#released) this.#listener.fail(error);
    });
  }

  /** Whether a call will do what it is to: a group asks all its lines before it changes any. @throws HoldfastError what was asked for, `LINE_LOST` */
  assertMay(failing: Failing): void {
    assert(!this.#released, `${this.#terminal.place} is used after its release`);
    if (this.#terminal.gone) throw lineLost(this.#terminal);
    failIfAsked(this.#terminal, failing);
  }

  /** Logical to physical or back. */
  #logical(level: Level): Level {
    return this.#activeLow ? (level === 0 ? 1 : 0) : level;
  }

  #settle(): void {
    if (settle(this.#terminal.pad.net)) this.#around.contention(this.#terminal.pad);
  }

  #apply(settings: LineSettings): void {
    // Without a direction the kernel leaves a line unchanged.
    if (settings.direction === "as-is") return;
    const { pad } = this.#terminal;
    this.#activeLow = settings.activeLow;
    if (settings.bias !== "as-is") pad.pull = pulls[settings.bias];
    if (settings.direction === "out") {
      this.#direction = "out";
      this.#debounceUs = 0;
      this.#stopDebouncing();
      pad.output = { level: this.#logical(levelAt(settings.initial, this.#index)), drive: settings.drive };
      this.#settle();
      return;
    }
    pad.output = null;
    // A new input watches only from here on; one that stays an input sees what its changed bias does.
    this.#settle();
    this.#direction = "in";
    if (this.#debounceUs === 0 || settings.debounceUs === 0) {
      this.#stopDebouncing();
      this.#stable = pad.net.level;
    }
    this.#debounceUs = settings.debounceUs;
  }

  /** Each change of level starts the debounce period again. */
  #debounce(): void {
    this.#debouncing?.cancel();
    const { clock, notices } = this.#around;
    this.#debouncing = clock.at(clock.nowUs() + this.#debounceUs, () => notices.change(null, () => this.#debounced()));
  }

  /** The level has been the same for the debounce period; when it is the old one, there was only bouncing. */
  #debounced(): void {
    const { level } = this.#terminal.pad.net;
    if (level === this.#stable) return;
    this.#stable = level;
    this.#edge(level);
  }

  #edge(physical: Level): void {
    if (this.#deaf) return;
    const failure = this.#terminal.failures.get("edges");
    if (failure !== undefined) {
      this.#terminal.failures.delete("edges");
      this.fail(failure);
      return;
    }
    if (this.#terminal.edgesToLose > 0) {
      this.#terminal.edgesToLose--;
      this.#lost++;
      return;
    }
    const edge = { index: this.#index, level: this.#logical(physical), timestampNs: timestampNs(this.#around.clock), lost: this.#lost };
    this.#lost = 0;
    this.#around.notices.post(this.#group, () => {
      if (!this.#released) this.#listener.edge(edge);
    });
  }

  #stopDebouncing(): void {
    this.#debouncing?.cancel();
    this.#debouncing = null;
  }

  /** The line drives and pulls no more, and anyone may have it. */
  #free(released: () => void): void {
    this.#around.notices.change(this.#group, () => {
      const { pad } = this.#terminal;
      pad.output = null;
      pad.pull = null;
      this.#terminal.holder = null;
      this.#terminal.releases++;
      this.#settle();
    });
    released();
  }
}
