import { HoldfastError } from "../../protocol/errors.ts";
import { type Line, type LineGroupId, type LineId, type LineListener, type LineSettings, offsetsOf } from "../backend.ts";
import type { Levels } from "../levels.ts";
import type { PlayerSettings, WaveListener, WavePlayer } from "../wave-player.ts";
import type { EdgeReader, EdgeWatch } from "./edges.ts";
import { describeLine, lineError, type Operation } from "./errno.ts";
import { libc, SystemCallError } from "./libc.ts";
import { encodeLineConfig, encodeLineValues, ioctls, type LineEvent, type LineValues, readLevels, writeLevels } from "./uapi.ts";
import type { WavePlayers } from "./waves/thread.ts";

/** A line that this process has requested, or a group, behind the one descriptor that the kernel gave for it. */
export class ChardevLine implements Line {
  readonly #libc = libc();
  readonly #offsets: readonly number[];
  /** Written and read in place by `get` and `set`: the kernel keeps no hold of it. */
  readonly #values: LineValues;
  #settings: LineSettings;
  /** What this thread last drove the line to, as an output. */
  #driven: Levels = 0;
  #player: WavePlayer | undefined;
  /** From the first time that the line is an input until its release; as an output it has no edges. */
  #watch: EdgeWatch | undefined;
  /** When it last became an input, CLOCK_MONOTONIC: edges from an earlier time as one may still be on their way. */
  #inputSinceNs = 0n;
  /** `line_seqno` of each line's last edge, which counts from 1 in a new request; null from a reconfiguration to the first edge after it. */
  readonly #lastSeqnos: (number | null)[];

  /**
   * Takes over `fd`, requested with `settings`.
   * @throws SystemCallError when its edges cannot be watched; `fd` is then still the caller's
   */
  constructor(
    readonly id: LineId | LineGroupId,
    readonly fd: number,
    settings: LineSettings,
    readonly listener: LineListener,
    readonly edges: EdgeReader,
    readonly waves: WavePlayers,
  ) {
    this.#settings = settings;
    this.#offsets = offsetsOf(id);
    this.#values = encodeLineValues(this.#offsets.length);
    this.#lastSeqnos = this.#offsets.map(() => 0);
    if (settings.direction === "out") this.#driven = settings.initial;
    if (settings.direction === "in") this.#watchEdges();
  }

  get(): Levels {
    try {
      this.#libc.ioctl(this.fd, ioctls.GPIO_V2_LINE_GET_VALUES_IOCTL, this.#values);
    } catch (error) {
      throw this.#refusal(error, "get");
    }
    return readLevels(this.#values, this.#offsets.length);
  }

  set(levels: Levels): void {
    writeLevels(this.#values, levels);
    try {
      this.#libc.ioctl(this.fd, ioctls.GPIO_V2_LINE_SET_VALUES_IOCTL, this.#values);
    } catch (error) {
      throw this.#refusal(error, "set");
    }
    this.#driven = levels;
  }

  reconfigure(settings: LineSettings): void {
    try {
      const nowNs = this.#libc.monotonicNs();
      if (settings.direction === "in") this.#watchEdges();
      this.#configure(settings);
      if (settings.direction === "out") this.#driven = settings.initial;
      if (settings.direction === "in" && this.#settings.direction !== "in") {
        this.#inputSinceNs = nowNs;
        this.#lastSeqnos.fill(null);
      }
      this.#settings = settings;
    } catch (error) {
      this.#restore();
      throw this.#refusal(error, "reconfigure");
    }
  }

  player(settings: PlayerSettings, listener: WaveListener): WavePlayer {
    const line = {
      target: { kind: "line", fd: this.fd, lines: this.#offsets.length },
      set: (levels: Levels) => this.set(levels),
      failure: (errno: number) => lineError(errno, "set", this.id),
    } as const;
    this.#player = this.waves.player(line, settings, listener);
    return this.#player;
  }

  release(released: () => void): void {
    const close = () => {
      this.#libc.close(this.fd);
      released();
    };
    if (this.#watch === undefined) close();
    else this.#watch.stop(close);
  }

  #configure(settings: LineSettings): void {
    this.#libc.ioctl(this.fd, ioctls.GPIO_V2_LINE_SET_CONFIG_IOCTL, encodeLineConfig(settings, this.#offsets.length));
  }

  /** The kernel may have done a part of what it then refused: asks for what was before. */
  #restore(): void {
    try {
      this.#configure(
        this.#settings.direction === "out" ? { ...this.#settings, initial: this.#player?.level ?? this.#driven } : this.#settings,
      );
    } catch {
      // The refusal that led here is what the caller hears.
    }
  }

  #watchEdges(): void {
    if (this.#watch !== undefined) return;
    this.#libc.setNonBlocking(this.fd);
    this.#watch = this.edges.watch(this.fd, {
      edge: (event) => this.#edge(event),
      fail: (error) => this.listener.fail(this.#refusal(error, "watch")),
    });
  }

  #edge({ offset, level, timestampNs, lineSeqno }: LineEvent): void {
    if (this.#settings.direction !== "in" || timestampNs < this.#inputSinceNs) return;
    const index = this.#offsets.indexOf(offset);
    // Not the count of the whole request: each line's interrupt takes its own turn to write its edge down, so that one may be out of order.
    const lastSeqno = this.#lastSeqnos[index] ?? null;
    const lost = lastSeqno === null ? 0 : (lineSeqno - lastSeqno - 1) >>> 0;
    this.#lastSeqnos[index] = lineSeqno;
    this.listener.edge({ index, level, timestampNs, lost });
  }

  #refusal(error: unknown, operation: Operation): HoldfastError {
    if (error instanceof SystemCallError) return lineError(error.errno, operation, this.id);
    const reason = error instanceof Error ? error.message : String(error);
    return new HoldfastError("LINE_FAILED", `${describeLine(this.id)}: ${reason}`, { ...this.id }, { cause: error });
  }
}
