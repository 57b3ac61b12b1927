import { DriveRecord } from "../../src/gpio/chardev/waves/drive-record.ts";
import { WavePlayers } from "../../src/gpio/chardev/waves/thread.ts";
import type { WaveListener } from "../../src/gpio/wave-player.ts";
import { HoldfastError, type Line, type LineId, type LineListener, type LineSettings, RealClock, SimBackend } from "../../src/index.ts";

/** Edges of one run that there is room for. */
const ROOM = 100_000;

/** Pins whose waves are played by a thread, as those of real lines are, and recorded. */
export const recordedPins = { normal: "GPIO17", realTime: "GPIO27" } as const;

/** The simulated header, on which the two pins have the threads that the lines of the kernel's chips have: one with real-time scheduling, if it may, one without. */
export class RecordedBackend extends SimBackend {
  readonly #threads = { normal: new WavePlayers({ realTime: false }), realTime: new WavePlayers({ realTime: true }) };
  readonly records = { normal: new DriveRecord(ROOM), realTime: new DriveRecord(ROOM) };

  constructor() {
    super({ clock: new RealClock() });
  }

  /** Whether the thread that asked for real-time scheduling has got it. */
  get isRealTime(): boolean {
    return this.#threads.realTime.scheduling === "real-time";
  }

  start(): void {
    for (const thread of Object.values(this.#threads)) thread.start();
  }

  override request(id: LineId, settings: LineSettings, consumer: string, listener: LineListener): Line {
    const line: Line = super.request(id, settings, consumer, listener);
    const name = this.chips()[0]?.lines[id.offset]?.name;
    const kind = (["normal", "realTime"] as const).find((each) => recordedPins[each] === name);
    if (kind === undefined) return line;
    const record = this.records[kind];
    const recorded = {
      target: { kind: "record", memory: record.memory },
      set() {},
      failure: (errno: number) => new HoldfastError("LINE_FAILED", `errno ${errno}`),
    } as const;
    line.player = (player, waves) => {
      // What the main thread drives is told of at once, with the time from which the wave counts; what the thread drives only if somebody watches.
      const edge: WaveListener["edge"] = (level, atUs, lost) => {
        record.put(level, atUs);
        waves.edge(level, atUs, lost);
      };
      return this.#threads[kind].player(recorded, player, { ...waves, edge });
    };
    return line;
  }

  override close(): void {
    for (const thread of Object.values(this.#threads)) thread.close();
    super.close();
  }
}
