import { HoldfastError } from "../../protocol/errors.ts";
import type { Bias, Drive } from "../../protocol/requests.ts";
import { type Line, type LineGroupId, type LineId, type LineSettings, offsetsOf } from "../backend.ts";
import { lineError, type Operation } from "../chardev/errno.ts";
import { eachLevel, type Levels, levelsOf } from "../levels.ts";
import type { NativeBulk } from "./addon.ts";

/** GPIOD_LINE_REQUEST_DIRECTION_… of gpiod.h, version 1. */
const directions = { "as-is": 1, in: 2, out: 3 } as const;

/** GPIOD_LINE_REQUEST_FLAG_… of gpiod.h. What is as it is has none. */
const ACTIVE_LOW = 1 << 2;
const drives: Readonly<Record<Drive, number>> = { "push-pull": 0, "open-drain": 1 << 0, "open-source": 1 << 1 };
const biases: Readonly<Record<Bias, number>> = { "as-is": 0, disabled: 1 << 3, "pull-down": 1 << 4, "pull-up": 1 << 5 };

/** A line that this process has requested through libgpiod, or a group. Its waves are played on the event loop. */
export class LibgpiodLine implements Line {
  readonly edgeless = true;
  readonly #id: LineId | LineGroupId;
  readonly #bulk: NativeBulk;
  readonly #count: number;
  #settings: LineSettings;
  /** What it was last driven to, as an output. */
  #driven: Levels = 0;

  /** @throws HoldfastError `LINE_UNSUPPORTED`; Error with the kernel's `errno` */
  constructor(id: LineId | LineGroupId, bulk: NativeBulk, settings: LineSettings, consumer: string) {
    this.#id = id;
    this.#bulk = bulk;
    this.#count = offsetsOf(id).length;
    this.#settings = settings;
    const flags = flagsOf(settings, id);
    if (settings.direction === "in") bulk.requestInputFlags(consumer, flags);
    // A consumer that is given here would be read by the addon when it is freed already.
    if (settings.direction === "as-is") bulk.request({ requestType: directions["as-is"], flags });
    if (settings.direction !== "out") return;
    bulk.requestOutputFlags(consumer, flags, eachLevel(settings.initial, this.#count));
    this.#driven = settings.initial;
  }

  get(): Levels {
    return this.#ask("get", () => levelsOf(this.#bulk.values));
  }

  set(levels: Levels): void {
    this.#ask("set", () => this.#bulk.setValues(eachLevel(levels, this.#count)));
    this.#driven = levels;
  }

  reconfigure(settings: LineSettings): void {
    try {
      this.#ask("reconfigure", () => this.#configure(settings));
    } catch (error) {
      this.#restore();
      throw error;
    }
    this.#settings = settings;
    if (settings.direction === "out") this.#driven = settings.initial;
  }

  release(released: () => void): void {
    this.#bulk.release();
    released();
  }

  #configure(settings: LineSettings): void {
    const levels = settings.direction === "out" ? eachLevel(settings.initial, this.#count) : undefined;
    this.#bulk.updateConfig(directions[settings.direction], flagsOf(settings, this.#id), levels);
  }

  /** The kernel may have done a part of what it then refused: asks for what was before. */
  #restore(): void {
    try {
      this.#configure(this.#settings.direction === "out" ? { ...this.#settings, initial: this.#driven } : this.#settings);
    } catch {
      // The refusal that led here is what the caller hears.
    }
  }

  #ask<T>(operation: Operation, ask: () => T): T {
    try {
      return ask();
    } catch (error) {
      throw refusal(error, operation, this.#id);
    }
  }
}

/** What the addon threw, as what it means to the holder of a line. @param consumer who has the line, when that is why */
export function refusal(error: unknown, operation: Operation, id: LineId | LineGroupId, consumer?: string | null): HoldfastError {
  const errno = errnoOf(error);
  return errno === null ? HoldfastError.from(error) : lineError(errno, operation, id, consumer);
}

/** The kernel's reason in an error of the addon's; null: it is another error. */
export function errnoOf(error: unknown): number | null {
  return error instanceof Error && "errno" in error && typeof error.errno === "number" ? Math.abs(error.errno) : null;
}

/** @throws HoldfastError `LINE_UNSUPPORTED`: libgpiod 1 can't ask the kernel to debounce */
function flagsOf(settings: LineSettings, id: LineId | LineGroupId): number {
  if (settings.direction === "as-is") return 0;
  const flags = (settings.activeLow ? ACTIVE_LOW : 0) | biases[settings.bias];
  if (settings.direction === "out") return flags | drives[settings.drive];
  if (settings.debounceUs === 0) return flags;
  throw new HoldfastError("LINE_UNSUPPORTED", "libgpiod 1 can't debounce: leave debounceUs out, or run under Bun with ChardevBackend.", {
    ...id,
  });
}
