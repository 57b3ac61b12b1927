import type { HoldfastError } from "../protocol/errors.ts";
import type { Bias, Drive, Level } from "../protocol/requests.ts";
import type { Levels } from "./levels.ts";
import type { PlayerSettings, WaveListener, WavePlayer, WaveScheduling } from "./wave-player.ts";

/** Where a line is: the chip's device path (unique while the machine runs) and the line's offset on it. */
export interface LineId {
  readonly chip: string;
  readonly offset: number;
}

/** Lines of one chip that are requested as one: set and read together. Their order is that of their levels. */
export interface LineGroupId {
  readonly chip: string;
  readonly offsets: readonly number[];
}

/** A line as the chip describes it (struct gpio_v2_line_info). */
export interface LineInfo {
  readonly offset: number;
  /** The name that the device tree gives it, or null. */
  readonly name: string | null;
  /** Somebody has requested it: a process, this one included, or a kernel driver. */
  readonly used: boolean;
  /** Who, in the holder's own words; null when it did not say. */
  readonly consumer: string | null;
}

/** A GPIO chip (struct gpiochip_info). */
export interface ChipInfo {
  /** The device path, `/dev/gpiochip0`. The number changes between kernels; the label does not. */
  readonly path: string;
  readonly label: string;
  readonly lines: readonly LineInfo[];
}

/** An output. Its first level is part of the request: opening drives no glitch. */
export interface OutputSettings {
  readonly direction: "out";
  readonly activeLow: boolean;
  readonly bias: Bias;
  readonly drive: Drive;
  /** The logical levels that the request, or the change to an output, drives. */
  readonly initial: Levels;
}

/** An input, asked for both edges. */
export interface InputSettings {
  readonly direction: "in";
  readonly activeLow: boolean;
  readonly bias: Bias;
  /** 0: none. */
  readonly debounceUs: number;
}

/** The line as it is found: for reading a line that nobody has opened. */
export interface AsIsSettings {
  readonly direction: "as-is";
}

/** How a line is requested. All levels are logical: 1 is active. */
export type LineSettings = OutputSettings | InputSettings | AsIsSettings;

/** A change of an input's level. */
export interface Edge {
  /** Which line of a group; 0 where there is only one. */
  readonly index: number;
  /** The level after the edge. */
  readonly level: Level;
  /** CLOCK_MONOTONIC, ns, taken by the kernel's interrupt handler. */
  readonly timestampNs: bigint;
  /** Edges of this line that the kernel dropped since the one before (a gap in its `line_seqno`). */
  readonly lost: number;
}

/** What a line tells its holder. */
export interface LineListener {
  /** An edge of an input. Never called from within a call of the line's own methods. */
  edge(edge: Edge): void;
  /** The line is gone, with its chip (`LINE_LOST`), or its edges can't be read any more. It must still be released. */
  fail(error: HoldfastError): void;
}

/** A line that makes PWM itself, in hardware. */
export interface LinePwm {
  /**
   * Sets the period, and keeps the duty.
   * @param duty that the line has
   * @returns how long each duty of a fade is to hold, in µs: no eye sees steps that are shorter
   * @throws HoldfastError `LINE_UNSUPPORTED`, `LINE_LOST`, `LINE_FAILED`
   */
  setPeriod(periodUs: number, duty: number): number;
  /** Drives the line: 0 is off, 1 is on. @throws HoldfastError `LINE_LOST`, `LINE_FAILED` */
  setDuty(duty: number): void;
}

/** A requested line, or a group of them. After `release` none of its methods may be called. */
export interface Line {
  /** The levels now, of all lines in one call. @throws HoldfastError `LINE_LOST`, `LINE_FAILED` */
  get(): Levels;
  /** Drives an output; all lines of a group in one call. @throws HoldfastError `LINE_LOST`, `LINE_FAILED` */
  set(levels: Levels): void;
  /**
   * Changes the settings without releasing the line (GPIO_V2_LINE_SET_CONFIG); on an error they stay as they were.
   * An output that stays one keeps its level when `initial` is its level now.
   * @throws HoldfastError `LINE_UNSUPPORTED`, `LINE_LOST`, `LINE_FAILED`
   */
  reconfigure(settings: LineSettings): void;
  /** An output that is hardware PWM has it; any other gets its PWM edge by edge, by `set`. */
  readonly pwm?: LinePwm;
  /** True: as an input it tells no edges. Its level is known when it is read, and nobody can watch it. */
  readonly edgeless?: true;
  /**
   * What plays waves on this output: the line's own thread, or hardware. A line without has them played on the event loop, by
   * the supervisor's clock. Until the player stops, nothing else may set the line.
   */
  player?(settings: PlayerSettings, listener: WaveListener): WavePlayer;
  /** Gives the line back. `released` is called once, at once or later, when another process may have it. Never throws. */
  release(released: () => void): void;
}

/** The outside of simulated chips: what is wired to their lines. Levels are physical, those of the wire. */
export interface Simulation {
  /** Drives the wire of a line, as a button or another board does; null lets go of it. */
  drive(id: LineId, level: Level | null): void;
  /** Joins two lines with a wire. */
  wire(a: LineId, b: LineId): void;
}

/** Where a channel of hardware PWM is: the folder of its chip in sysfs, which has another number after the next start, and its number there. */
export interface PwmChannelId {
  readonly chip: string;
  readonly channel: number;
}

/** Outputs that are channels of hardware PWM. */
export interface PwmOutputs {
  /**
   * The channel of a name, `<chip>/<number>`, where the chip is called by its device or by its number.
   * @returns null: there is no such chip now
   * @throws HoldfastError `BAD_CONFIG`: the chip has no such channel, or several chips are called so
   */
  find(name: string): PwmChannelId | null;
  /**
   * Takes a channel, and drives it to the first level.
   * @param periodUs the first period of its PWM
   * @throws HoldfastError `LINE_BUSY`, `LINE_UNSUPPORTED`, `LINE_LOST`, `PERMISSION_DENIED`, `LINE_FAILED`
   */
  request(id: PwmChannelId, settings: OutputSettings, periodUs: number): Line;
}

/**
 * Where lines come from: the real kernel (`chardev`, or `libgpiod` under Node) or a simulated chip (`sim`). An error about a line says `chip` and `offset`, or, where
 * it can't be told which line of a group is meant, `offsets`; `LINE_BUSY` says `consumer` too, null when that is not known.
 */
export interface GpioBackend {
  /** `chardev`, `libgpiod` or `sim`; shown in `status`. */
  readonly name: string;
  /** Only simulated chips have it. */
  readonly simulation?: Simulation;
  /** Channels of hardware PWM; absent: there are none beside these chips. */
  readonly pwm?: PwmOutputs;
  /** The revision code of the Raspberry Pi that the chips are on; null: they are on another machine. */
  readonly revision: number | null;
  /** How the kernel runs the thread that plays the lines' waves; null or absent: there is none. */
  readonly waves?: WaveScheduling | null;
  /** Lines will be requested: begins what takes a while to begin, so that the first wave is not late for it. Optional to call, and to have. */
  start?(): void;
  /** Every chip and line, read afresh. @throws HoldfastError `PERMISSION_DENIED`, `LINE_FAILED` */
  chips(): readonly ChipInfo[];
  /**
   * Requests a line, or a group: all of it or nothing. `consumer` is the name that other programs see in `gpioinfo`.
   * @throws HoldfastError `LINE_BUSY` (naming the consumer that has it), `LINE_UNSUPPORTED`, `LINE_LOST`, `PERMISSION_DENIED`, `LINE_FAILED`
   */
  request(id: LineId | LineGroupId, settings: LineSettings, consumer: string, listener: LineListener): Line;
  /** Stops what the backend runs (threads). Every line has been released before. */
  close(): void;
}

/** The offsets of a line or of the lines of a group. */
export function offsetsOf(id: LineId | LineGroupId): readonly number[] {
  return "offsets" in id ? id.offsets : [id.offset];
}
