import { type Alarm, type Clock, timestampNs } from "../../clock/clock.ts";
import { Watchdog } from "../../clock/watchdog.ts";
import type { Level } from "../../protocol/requests.ts";
import { Refusal } from "./refusal.ts";
import { ALIVE, encodeReport, tickOf, watchdogOf } from "./report.ts";
import type { User } from "./seat.ts";

/** How many handles there are (pigpio.h, PI_NOTIFY_SLOTS). */
const HANDLES = 32;

/** A handle that has had nothing to tell for so long tells that it is there (pigpio.c, alertEmit). */
const ALIVE_US = 60_000_000;

/** A program, which may read notifications. */
export interface Program extends User {
  /** Of its machine. */
  readonly address: string;
  report(bytes: Uint8Array): void;
}

/**
 * How long an edge waits for earlier ones of other GPIOs, whose lines are read on their own: who reads a rotary encoder goes by their order.
 * pigpiod tells of edges a thousand times a second.
 */
const ORDER_US = 1000;

/** An edge that waits to be told. */
interface HeardEdge {
  readonly gpio: number;
  readonly level: Level;
  readonly timestampNs: bigint;
}

/** What one program is told: of the GPIOs whose bits are set. */
export class Handle {
  readonly #clock: Clock;
  readonly #alive: Watchdog;
  #sequence = 0;
  #reportedUs: number;
  /** Bit n is GPIO n. */
  bits = 0;

  constructor(
    readonly number: number,
    readonly program: Program,
    clock: Clock,
    readonly levels: () => number,
  ) {
    this.#clock = clock;
    this.#reportedUs = clock.nowUs();
    const dueUs = () => this.#reportedUs + ALIVE_US;
    this.#alive = new Watchdog(clock, ALIVE_US, dueUs, () => {
      this.report(ALIVE, tickOf(clock.nowUs()));
      this.#alive.start();
    });
  }

  report(flags: number, tick: number): void {
    this.program.report(encodeReport({ sequence: this.#sequence, flags, tick, levels: this.levels() }));
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#reportedUs = this.#clock.nowUs();
  }

  close(): void {
    this.#alive.stop();
  }
}

/** The levels of GPIO 0 to 31 as they are known, and who is told when they change. Handles are the daemon's: any program may use any. */
export class Notifications {
  readonly #clock: Clock;
  readonly #handles: (Handle | undefined)[] = new Array(HANDLES).fill(undefined);
  #edges: HeardEdge[] = [];
  #alarm: Alarm | null = null;
  #levels = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bit n is GPIO n: its level now if it is watched, else the last that was heard of it. */
  get levels(): number {
    return this.#levels;
  }

  /** The GPIOs that any handle is told of. */
  get bits(): number {
    return this.#handles.reduce((bits, handle) => bits | (handle?.bits ?? 0), 0);
  }

  /** A handle for a program, which has one at most. @returns its number @throws Refusal `NO_HANDLE` */
  open(program: Program): number {
    this.closeAllOf(program);
    const number = this.#handles.indexOf(undefined);
    if (number === -1) throw new Refusal("NO_HANDLE");
    this.#handles[number] = new Handle(number, program, this.#clock, () => this.levels);
    return number;
  }

  /** @throws Refusal `BAD_HANDLE` */
  handle(number: number): Handle {
    const handle = this.#handles[number];
    if (handle === undefined) throw new Refusal("BAD_HANDLE");
    return handle;
  }

  /** @throws Refusal `BAD_HANDLE` */
  close(number: number): void {
    this.handle(number).close();
    this.#handles[number] = undefined;
  }

  /** A program has gone. */
  closeAllOf(program: Program): void {
    for (const handle of this.#handles) if (handle?.program === program) this.close(handle.number);
  }

  /** The level of a GPIO, as it has been read. */
  know(gpio: number, level: Level): void {
    this.#levels = withBit(this.#levels, gpio, level);
  }

  /** Tells a handle what the levels are now: a program takes what it was told last for what they were before. */
  tell(handle: Handle): void {
    this.#flush();
    handle.report(0, tickOf(this.#clock.nowUs()));
  }

  /** An edge. While several GPIOs are told of, it waits for earlier ones of the others. */
  edge(gpio: number, level: Level, timestampNs: bigint): void {
    this.#edges.push({ gpio, level, timestampNs });
    if (this.#alarm !== null) return;
    const { bits } = this;
    if ((bits & (bits - 1)) === 0) this.#flush();
    else this.#await(timestampNs);
  }

  /** The time of a GPIO's watchdog is up. */
  silent(gpio: number): void {
    this.#flush();
    this.#report(gpio, watchdogOf(gpio), tickOf(this.#clock.nowUs()));
  }

  /** Tells of the edges so far. @param untilNs and no later ones: earlier ones of other GPIOs may be on their way */
  #flush(untilNs?: bigint): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    const edges = this.#edges.sort((a, b) => (a.timestampNs < b.timestampNs ? -1 : a.timestampNs > b.timestampNs ? 1 : 0));
    const told = untilNs === undefined ? edges : edges.filter(({ timestampNs }) => timestampNs <= untilNs);
    this.#edges = edges.slice(told.length);
    for (const { gpio, level, timestampNs } of told) {
      // The kernel may tell the level after two quick edges twice.
      if (withBit(this.#levels, gpio, level) === this.#levels) continue;
      this.know(gpio, level);
      this.#report(gpio, 0, tickOf(Number(timestampNs / 1000n)));
    }
    const [next] = this.#edges;
    if (next !== undefined) this.#await(next.timestampNs);
  }

  /** Tells of an edge when it is old enough. */
  #await(edgeNs: bigint): void {
    this.#alarm = this.#clock.at(Math.ceil(Number(edgeNs) / 1000) + ORDER_US, () => {
      this.#flush(timestampNs(this.#clock) - BigInt(ORDER_US) * 1000n);
    });
  }

  #report(gpio: number, flags: number, tick: number): void {
    for (const handle of this.#handles) if (handle !== undefined && (handle.bits & (1 << gpio)) !== 0) handle.report(flags, tick);
  }
}

/** A word with the bit of a GPIO as its level is. */
export function withBit(levels: number, gpio: number, level: Level): number {
  return (level === 1 ? levels | (1 << gpio) : levels & ~(1 << gpio)) >>> 0;
}
