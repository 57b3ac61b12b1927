import { steady, waveOf } from "../../actors/wave.ts";
import { libc } from "../../src/gpio/chardev/libc.ts";
import type { WavePlayers } from "../../src/gpio/chardev/waves/thread.ts";
import { type Levels, levelAt, lowWord } from "../../src/gpio/levels.ts";
import type { WavePlayer } from "../../src/gpio/wave-player.ts";
import { openLibc } from "../../src/libc.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import type { CommandRequest, Level } from "../../src/protocol/requests.ts";

/** fcntl.h: to set a descriptor's flags; without any, it is a blocking one. */
const F_SETFL = 4;

/** The longest that anything may take, in ms: a machine may be very busy. */
const PATIENCE_MS = 60_000;

/** A change of the line, as the player has told of it. */
export interface ToldEdge {
  readonly level: Level;
  readonly atUs: number;
  readonly lost: number;
}

/**
 * A player with the real thread, on a line that is a pipe: each time that either thread drives it, a byte of the level
 * comes out, in order. What is seen of time here is that of a busy machine.
 */
export class ThreadStage {
  readonly player: WavePlayer;
  readonly started: number[] = [];
  readonly ended: { readonly number: number; readonly lateMs: number }[] = [];
  readonly limited: number[] = [];
  readonly failures: HoldfastError[] = [];
  readonly edges: ToldEdge[] = [];
  /** Every level that the line was driven to. */
  readonly driven: Level[] = [];
  /** The same of all lines: a bit each, the first of them the lowest; where all are active it is 1. */
  readonly bytes: number[] = [];
  /** The levels after each edge. */
  readonly told: Levels[] = [];
  skipped = 0;
  /** When the last wave was given to the player, in µs, or a little before. */
  beganUs = 0;
  readonly #players: WavePlayers;
  readonly #pipe = libc().pipe();
  readonly #ends: number[] = [];
  readonly #bytes = new Uint8Array(new ArrayBuffer(4096));

  /** @param options deaf: the thread has a descriptor that is not the line's, and can't drive it so; stuck: the pipe is full, and it hangs there */
  constructor(players: WavePlayers, { maxOnMs = Number.POSITIVE_INFINITY, frequencyHz = 200, deaf = false, stuck = false } = {}) {
    this.#players = players;
    const byte = new Uint8Array(new ArrayBuffer(1));
    const threadsEnd = deaf ? -1 : stuck ? this.#fullPipe() : this.#pipe.writeEnd;
    const line = {
      target: { kind: "file", fd: threadsEnd },
      set: (level: Levels) => {
        byte[0] = level === 1 ? 1 : lowWord(level);
        libc().write(this.#pipe.writeEnd, byte);
      },
      failure: (errno: number) => new HoldfastError("LINE_FAILED", `the line can't be driven: ${errno}`),
    } as const;
    this.player = players.player(
      line,
      { initial: 0, maxOnMs, frequencyHz },
      {
        started: (number) => this.started.push(number),
        ended: (number, lateMs) => this.ended.push({ number, lateMs }),
        limited: (number) => this.limited.push(number),
        failed: (error) => this.failures.push(error),
        edge: (levels: Levels, atUs, lost) => {
          this.told.push(levels);
          this.edges.push({ level: levelAt(levels, 0), atUs, lost });
        },
        skipped: (cycles) => {
          this.skipped += cycles;
        },
      },
    );
    this.player.watched = true;
  }

  play(number: number, request: CommandRequest, { endsOff = true } = {}): void {
    this.beganUs = this.#players.nowUs();
    this.player.play(number, waveOf(request, steady(0)), endsOff);
  }

  /** Takes out what has come of the line since. */
  look(): readonly Level[] {
    for (let read = libc().read(this.#pipe.readEnd, this.#bytes); read > 0; read = libc().read(this.#pipe.readEnd, this.#bytes)) {
      this.bytes.push(...this.#bytes.subarray(0, read));
      for (const byte of this.#bytes.subarray(0, read)) this.driven.push(byte === 1 ? 1 : 0);
    }
    return this.driven;
  }

  /** Waits, with the event loop running, until a condition holds. */
  async until(holds: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > deadlineMs) throw new Error(`in vain waited for ${holds}`);
      await Bun.sleep(1);
    }
  }

  /** Waits until a condition holds, and lets nothing else run on the event loop meanwhile. */
  stallUntil(holds: () => boolean): void {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > deadlineMs) throw new Error(`in vain waited for ${holds}`);
      Bun.sleepSync(1);
    }
  }

  /** The end of a pipe that is full: who writes there waits until `close`. */
  #fullPipe(): number {
    const { readEnd, writeEnd } = libc().pipe();
    this.#ends.push(readEnd, writeEnd);
    while (written(writeEnd, this.#bytes));
    openLibc({ fcntl: { args: ["i32", "i32", "i32"], returns: "i32" } }).symbols.fcntl(writeEnd, F_SETFL, 0);
    return writeEnd;
  }

  close(): void {
    // Who waits there goes on.
    for (const end of this.#ends) libc().close(end);
    this.player.stop();
    libc().close(this.#pipe.readEnd);
    libc().close(this.#pipe.writeEnd);
  }
}

/** @returns whether a pipe took the bytes */
function written(fd: number, bytes: Uint8Array): boolean {
  try {
    libc().write(fd, bytes);
    return true;
  } catch {
    return false;
  }
}
