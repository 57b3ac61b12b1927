import { HoldfastError } from "../../protocol/errors.ts";
import {
  type ChipInfo,
  type GpioBackend,
  type Line,
  type LineGroupId,
  type LineId,
  type LineInfo,
  type LineListener,
  type LineSettings,
  offsetsOf,
} from "../backend.ts";
import { boardRevision } from "../board-revision.ts";
import { SysfsPwm } from "../pwm/outputs.ts";
import type { WaveScheduling } from "../wave-player.ts";
import { EdgeReader } from "./edges.ts";
import { codeOf, lineError, permissionDenied } from "./errno.ts";
import { libc, O_RDWR, SystemCallError } from "./libc.ts";
import { ChardevLine } from "./line.ts";
import { chipPaths } from "./nodes.ts";
import { decodeChipInfo, decodeLineInfo, decodeRequestedFd, encodeLineInfoQuery, encodeLineRequest, ioctls, structBytes } from "./uapi.ts";
import { WavePlayers } from "./waves/thread.ts";

/**
 * The lines of the machine's real chips, through the kernel's GPIO character devices (version 2 of their interface,
 * include/uapi/linux/gpio.h, Linux 5.10 and later). Works on Bun alone.
 */
export class ChardevBackend implements GpioBackend {
  readonly name = "chardev";
  readonly revision = boardRevision();
  readonly #libc = libc();
  readonly #edges = new EdgeReader();
  readonly #players: WavePlayers;
  readonly pwm: SysfsPwm;

  /** @param options realTimeWaves: false: waves are played by a thread of ordinary priority even where real time is to be had */
  constructor({ realTimeWaves = true }: { readonly realTimeWaves?: boolean } = {}) {
    this.#players = new WavePlayers({ realTime: realTimeWaves });
    this.pwm = new SysfsPwm({ players: this.#players });
  }

  get waves(): WaveScheduling | null {
    return this.#players.scheduling;
  }

  start(): void {
    this.#players.start();
  }

  /** A machine without chips has none to list; one whose chips may all not be opened is `PERMISSION_DENIED`. */
  chips(): readonly ChipInfo[] {
    const { usable, denied } = chipPaths();
    if (usable.length === 0 && denied.length > 0) throw permissionDenied(denied);
    return usable.flatMap((path) => this.#describe(path) ?? []);
  }

  request(id: LineId | LineGroupId, settings: LineSettings, consumer: string, listener: LineListener): Line {
    const chip = this.#open(id);
    try {
      const fd = this.#request(chip, id, settings, consumer);
      try {
        return new ChardevLine(id, fd, settings, listener, this.#edges, this.#players);
      } catch (error) {
        this.#libc.close(fd);
        throw error instanceof SystemCallError ? lineError(error.errno, "watch", id) : error;
      }
    } finally {
      // The line's own descriptor is all that holds it.
      this.#libc.close(chip);
    }
  }

  close(): void {
    this.#edges.close();
    this.#players.close();
  }

  #open(id: LineId | LineGroupId): number {
    try {
      return this.#libc.open(id.chip, O_RDWR);
    } catch (error) {
      throw error instanceof SystemCallError ? lineError(error.errno, "open", id) : error;
    }
  }

  #request(chip: number, id: LineId | LineGroupId, settings: LineSettings, consumer: string): number {
    const request = encodeLineRequest(offsetsOf(id), settings, consumer);
    try {
      this.#libc.ioctl(chip, ioctls.GPIO_V2_GET_LINE_IOCTL, request);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      if (codeOf(error.errno, "request") !== "LINE_BUSY") throw lineError(error.errno, "request", id);
      const { offset, consumer: holder } = this.#busy(chip, offsetsOf(id)) ?? {};
      throw lineError(error.errno, "request", offset === undefined ? id : { chip: id.chip, offset }, holder);
    }
    return decodeRequestedFd(request);
  }

  /** The line that somebody has, of those that were asked for. Who it is adds to the answer; that a line is busy is the answer. */
  #busy(chip: number, offsets: readonly number[]): LineInfo | undefined {
    try {
      return offsets
        .map((offset) => decodeLineInfo(this.#ask(chip, ioctls.GPIO_V2_GET_LINEINFO_IOCTL, encodeLineInfoQuery(offset))))
        .find(({ used }) => used);
    } catch {
      return undefined;
    }
  }

  /** The chip at `path`, or null when it has gone meanwhile. */
  #describe(path: string): ChipInfo | null {
    let chip = -1;
    try {
      chip = this.#libc.open(path, O_RDWR);
      const info = new Uint8Array(new ArrayBuffer(structBytes.gpiochip_info));
      const { label, lines } = decodeChipInfo(this.#ask(chip, ioctls.GPIO_GET_CHIPINFO_IOCTL, info));
      const line = (_: unknown, offset: number) =>
        decodeLineInfo(this.#ask(chip, ioctls.GPIO_V2_GET_LINEINFO_IOCTL, encodeLineInfoQuery(offset)));
      return { path, label, lines: Array.from({ length: lines }, line) };
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      if (codeOf(error.errno, "open") === "LINE_LOST") return null;
      throw new HoldfastError("LINE_FAILED", `The kernel does not describe ${path} (${error.message}).`, { chip: path }, { cause: error });
    } finally {
      if (chip >= 0) this.#libc.close(chip);
    }
  }

  /** The struct, as the kernel has answered it. */
  #ask(fd: number, request: number, struct: Uint8Array): Uint8Array {
    this.#libc.ioctl(fd, request, struct);
    return struct;
  }
}
