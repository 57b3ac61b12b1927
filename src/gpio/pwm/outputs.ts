import { HoldfastError } from "../../protocol/errors.ts";
import type { Line, OutputSettings, PwmChannelId, PwmOutputs } from "../backend.ts";
import type { WavePlayers } from "../chardev/waves/thread.ts";
import { channelError } from "./errno.ts";
import { PwmLine } from "./line.ts";
import { PWM_FOLDER, PwmChannel, pwmChips, type SysfsWrite, writeSysfs } from "./sysfs.ts";

/** What `SysfsPwm` works with. */
export interface SysfsPwmOptions {
  /** The thread that plays blinks and fades; absent: they are played on the event loop, by the supervisor's clock. */
  readonly players?: WavePlayers;
  /** Where the chips are, unless it is the kernel's own place. */
  readonly folder?: string;
  /** Writes to it. */
  readonly write?: SysfsWrite;
}

/** The channels of the machine's PWM chips, through sysfs. */
export class SysfsPwm implements PwmOutputs {
  readonly #players: WavePlayers | undefined;
  readonly #folder: string;
  readonly #write: SysfsWrite;
  /** What is open here. To sysfs a second user of an exported channel is no different from the first. */
  readonly #open = new Set<string>();

  constructor({ players, folder = PWM_FOLDER, write = writeSysfs }: SysfsPwmOptions = {}) {
    this.#players = players;
    this.#folder = folder;
    this.#write = write;
  }

  find(name: string): PwmChannelId | null {
    const slash = name.lastIndexOf("/");
    const [wanted, channel] = [name.slice(0, slash), Number(name.slice(slash + 1))];
    const [chip, ...others] = pwmChips(this.#folder).filter((each) => each.name === wanted || each.device === wanted);
    if (chip === undefined) return null;
    if (others.length > 0) {
      const names = [chip, ...others].map((each) => each.name);
      throw new HoldfastError("BAD_CONFIG", `${wanted} has several PWM chips: say which of ${names.join(", ")}`, { candidates: names });
    }
    if (channel < chip.channels) return { chip: chip.path, channel };
    const known = chip.channels === 1 ? "channel 0 alone" : `channels 0 to ${chip.channels - 1}`;
    throw new HoldfastError("BAD_CONFIG", `the PWM chip ${wanted} has ${known}, no channel ${channel}`);
  }

  request(id: PwmChannelId, settings: OutputSettings, periodUs: number): Line {
    const key = `${id.chip}/${id.channel}`;
    const channel = new PwmChannel(id.chip, id.channel, this.#write);
    if (this.#open.has(key)) throw channelError("EBUSY", "export", id, { consumer: "holdfast" });
    const line = PwmLine.open(channel, id, settings, periodUs, this.#players, () => this.#open.delete(key));
    this.#open.add(key);
    return line;
  }
}
