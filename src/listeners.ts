import { isDeepStrictEqual } from "node:util";
import { type ListenSettings, usualPorts } from "./protocol/listen.ts";
import type { Listener } from "./transports/listener.ts";

/** The table of a listener: `[listen.remoteio]`. */
export type ListenerName = keyof ListenSettings;

/** Opens a listener as its table says. @throws HoldfastError */
export type OpenListener = <N extends ListenerName>(name: N, settings: NonNullable<ListenSettings[N]>) => Promise<Listener>;

/** A change of what is open. */
export interface Change {
  /**
   * Opens and changes what is to be another than it is; one of which nothing else is said is left alone, with its connections. One that gets
   * another port opens there before it is closed here, any other one is closed first.
   * @throws HoldfastError what opening one throws; what has been done till then is there
   */
  make(): Promise<void>;
  /** Closes what is not to be open any more. */
  keep(): Promise<void>;
  /**
   * Makes it as it was before; who was disconnected by that stays so.
   * @throws HoldfastError what opening one again throws; the others are as they were
   */
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

  /** What makes these the listeners that are wanted. Nothing has changed yet. */
  changeTo(wanted: ListenSettings): Change {
    const before = this.#open;
    const opened: Listener[] = [];
    const closed: ListenerName[] = [];
    const make = async () => {
      this.#open = new Map();
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
    };
    const keep = async () => {
      const kept = new Set([...this.#open.values()].map(({ listener }) => listener));
      const gone = [...before].filter(([name, { listener }]) => !kept.has(listener) && !closed.includes(name));
      await Promise.all(gone.map(([, { listener }]) => listener.close()));
    };
    const undo = async () => {
      this.#open = before;
      await Promise.all(opened.map((listener) => listener.close()));
      const lost: unknown[] = [];
      for (const name of closed) {
        const { settings } = before.get(name) as OpenOne;
        before.delete(name);
        await this.#start(name, settings).then(
          (one) => before.set(name, one),
          (error) => lost.push(error),
        );
      }
      if (lost.length > 0) throw lost[0];
    };
    return { make, keep, undo };
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
