import { closeSync, constants as fsConstants, openSync } from "node:fs";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Level } from "../../protocol/requests.ts";
import type { Line, LinePwm, LineSettings, OutputSettings, PwmChannelId } from "../backend.ts";
import { errnoName } from "../chardev/libc.ts";
import type { ThreadedLine } from "../chardev/waves/player.ts";
import type { WavePlayers } from "../chardev/waves/thread.ts";
import type { Levels } from "../levels.ts";
import { channelError, type PwmOperation } from "./errno.ts";
import type { PwmChannel } from "./sysfs.ts";

/** The shortest time for which a duty of a fade holds, in µs: 200 steps a second look like none, and cost little. */
const SHORTEST_STEP_US = 5000;

/**
 * An output that is a channel of hardware PWM. The GPIO line itself is not requested: the pin is the PWM's by its pin
 * multiplexing, from which a request, or the release after it, would take it away.
 */
export class PwmLine implements Line {
  readonly pwm: LinePwm;
  readonly player?: NonNullable<Line["player"]>;
  readonly #channel: PwmChannel;
  readonly #id: PwmChannelId;
  readonly #released: () => void;
  /** Into which the thread writes duties; -1: there is no thread. */
  readonly #fd: number;

  /**
   * Takes the channel and drives it to the first level.
   * @param players play its waves in their thread; undefined: whoever has the line does
   * @param released told when it has been given back
   * @throws HoldfastError as `PwmOutputs.request`
   */
  static open(
    channel: PwmChannel,
    id: PwmChannelId,
    settings: OutputSettings,
    periodUs: number,
    players: WavePlayers | undefined,
    released: () => void,
  ): PwmLine {
    const { activeLow, initial } = settings;
    refusing("export", id, () => channel.open({ activeLow, duty: Number(initial), periodNs: periodNs(periodUs) }));
    try {
      const fd = players === undefined ? -1 : refusing("export", id, () => openSync(channel.dutyPath, fsConstants.O_WRONLY));
      return new PwmLine(channel, id, fd, players, released);
    } catch (error) {
      off(channel);
      channel.close();
      throw error;
    }
  }

  private constructor(channel: PwmChannel, id: PwmChannelId, fd: number, players: WavePlayers | undefined, released: () => void) {
    this.#channel = channel;
    this.#id = id;
    this.#fd = fd;
    this.#released = released;
    this.pwm = {
      setDuty: (duty) => this.#setDuty(duty),
      setPeriod: (periodUs, duty) => this.#setPeriod(periodUs, duty),
    };
    if (players !== undefined) this.player = (playing, listener) => players.player(this.#threaded(), playing, listener);
  }

  /** Active while the duty is not 0: what PWM does within a period nobody can see. */
  get(): Level {
    return refusing("read", this.#id, () => this.#channel.onNs) > 0 ? 1 : 0;
  }

  set(levels: Levels): void {
    this.#setDuty(Number(levels));
  }

  reconfigure(settings: LineSettings): void {
    if (settings.direction !== "out" || settings.bias !== "as-is" || settings.drive !== "push-pull") {
      throw new HoldfastError("LINE_UNSUPPORTED", "Hardware PWM is an output without bias, and drives both levels.", { ...this.#id });
    }
    refusing("set", this.#id, () => this.#channel.setPolarity(settings.activeLow));
  }

  release(released: () => void): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#channel.close();
    this.#released();
    released();
  }

  #setDuty(duty: number): void {
    refusing("set", this.#id, () => this.#channel.setDuty(duty));
  }

  #setPeriod(periodUs: number, duty: number): number {
    refusing("set", this.#id, () => this.#channel.setPeriod(periodNs(periodUs), duty));
    return Math.max(SHORTEST_STEP_US, periodUs);
  }

  #threaded(): ThreadedLine {
    const [fd, channel] = [this.#fd, this.#channel];
    return {
      // The period as it is when a wave is handed over: until it is taken back, nobody changes it.
      get target() {
        return { kind: "duty", fd, periodNs: channel.periodNs } as const;
      },
      set: (to) => this.#setDuty(Number(to)),
      setPeriod: this.pwm.setPeriod,
      failure: (errno) => channelError(errnoName(errno), "set", this.#id),
    };
  }
}

/** What `close` does tells of it if this fails. */
function off(channel: PwmChannel): void {
  try {
    channel.setDuty(0);
  } catch {
    // It is disabled then.
  }
}

function periodNs(periodUs: number): number {
  return Math.round(periodUs * 1000);
}

/** Does something to the channel. What sysfs refuses becomes an error of ours. */
function refusing<T>(operation: PwmOperation, id: PwmChannelId, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw channelError(code, operation, id, { cause: error });
  }
}
