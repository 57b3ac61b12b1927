import { isDeepStrictEqual } from "node:util";
import { type ListenSettings, usualPorts } from "./protocol/listen.ts";
import type { Listener } from "./transports/listener.ts";

/** The table of a listener: `[listen.remoteio]`. */
export type ListenerName = keyof ListenSettings;

/** Opens a listener as its table says. @throws HoldfastError */
export type OpenListener = <N extends ListenerName>(name: N, settings: NonNullable<ListenSettings[N]>) => Promise<Listener>;

/** A change that has been made, and can still be taken back. */
export interface Change {
  /** Closes what is not to be open any more. */
  keep(): Promise<void>;
  /** Makes it as it was before; who was disconnected by that stays so. */
  undo(): Promise<void>;
}

interface OpenOne {
  readonly settings: NonNullable<ListenSettings[ListenerName]>;
  readonly listener: Listener;
}

/** The listeners that the configuration speaks of. */
export class Listeners {
  readonly #openOne: OpenListener;
  #open = new Map<ListenerName, OpenOne>();

  constructor(open: OpenListener) {
    this.#openOne = open;
  }

  /**
   * Opens and changes what is to be another than it is; one of which nothing else is said is left alone, with its connections. One that gets
   * another port opens there before it is closed here, any other one is closed first.
   * @throws HoldfastError what opening one throws; all is as it was before then
   */
  async change(wanted: ListenSettings): Promise<Change> {
    const before = this.#open;
    const opened: Listener[] = [];
    const closed: ListenerName[] = [];
    const undo = async () => {
      this.#open = before;
      await Promise.all(opened.map((listener) => listener.close()));
      for (const name of closed) before.set(name, await this.#start(name, (before.get(name) as OpenOne).settings));
    };
    this.#open = new Map();
    try {
      for (const [name, settings] of Object.entries(wanted) as [ListenerName, OpenOne["settings"] | undefined][]) {
        if (settings === undefined) continue;
        const old = before.get(name);
        if (old !== undefined && isDeepStrictEqual(old.settings, settings) && old.listener.review?.() !== false) {
          this.#open.set(name, old);
          continue;
        }
        if (old !== undefined && portOf(name, settings) !== undefined && portOf(name, old.settings) === portOf(name, settings)) {
          closed.push(name);
          await old.listener.close();
        }
        const one = await this.#start(name, settings);
        opened.push(one.listener);
        this.#open.set(name, one);
      }
    } catch (error) {
      await undo();
      throw error;
    }
    const kept = new Set([...this.#open.values()].map(({ listener }) => listener));
    const keep = async () => {
      const gone = [...before].filter(([name, { listener }]) => !kept.has(listener) && !closed.includes(name));
      await Promise.all(gone.map(([, { listener }]) => listener.close()));
    };
    return { keep, undo };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ listener }) => listener.close()));
  }

  async #start(name: ListenerName, settings: OpenOne["settings"]): Promise<OpenOne> {
    return { settings, listener: await this.#openOne(name, settings) };
  }
}

/** Where another one can't be open beside it; undefined: the kernel chooses. */
function portOf(name: ListenerName, { port = usualPorts[name] }: OpenOne["settings"]): number | undefined {
  return port === 0 ? undefined : port;
}
