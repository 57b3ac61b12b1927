import type { NamedPin } from "../gpio/named-pin.ts";
import { isCalled, type NamedLine } from "../gpio/pin-names.ts";
import { type Access, fullAccess, type Names } from "../protocol/access.ts";
import { type ErrorDetails, HoldfastError } from "../protocol/errors.ts";
import { covers, levelsOf, type TopicLevels } from "../protocol/topics.ts";

/** What a client may have a right to do with a pin. */
export type PinRight = "read" | "watch" | "command";

/** Whoever may watch or command a pin may see it as well. */
const granting: { readonly [R in PinRight]: readonly PinRight[] } = {
  read: ["read", "watch", "command"],
  watch: ["watch"],
  command: ["command"],
};

/** What a right lets its owner do. */
const deeds = {
  read: "read",
  watch: "watch",
  command: "command",
  frames: "use",
  publish: "publish to",
  subscribe: "subscribe to",
  actors: "see or ask",
  admin: "end or reload the supervisor, start or stop processes or actors, or drive simulated lines",
} as const;

/** What one client may do. Names of pins mean lines, whichever of its names a request calls one by; a name that has become ambiguous means none. */
export class Rights {
  readonly access: Access;
  /** What it may publish to and subscribe to. */
  readonly #publish: readonly TopicLevels[] | "*";
  readonly #subscribe: readonly TopicLevels[] | "*";
  /** It may do everything. */
  readonly isFull: boolean;

  constructor(access: Access) {
    const { read, watch, command, frames, publish, subscribe, actors, admin } = access;
    this.access = access;
    this.#publish = filters(publish);
    this.#subscribe = filters(subscribe);
    this.isFull = admin && [read, watch, command, frames, publish, subscribe, actors].every((names) => names === "*");
  }

  /** Whether it may do so with every line of a pin. */
  mayDo(right: PinRight, lines: readonly NamedLine[]): boolean {
    return this.isFull || this.#lackingLine(right, lines) === undefined;
  }

  /** Whether it may see every pin. */
  get seesAll(): boolean {
    return granting.read.some((right) => this.access[right] === "*");
  }

  /** Whether it may use a pool. */
  mayUse(pool: string): boolean {
    const { frames } = this.access;
    return frames === "*" || frames.includes(pool);
  }

  /** Whether it may see a user's actor, and send it events. */
  mayAsk(actor: string): boolean {
    const { actors } = this.access;
    return actors === "*" || actors.includes(actor);
  }

  /** Whether it may be told of all that a filter means: one of its own filters means all of that. Of a name: whether it may be told of that. */
  maySubscribe(filter: TopicLevels): boolean {
    return isWithin(filter, this.#subscribe);
  }

  /**
   * @param rights of which one is enough
   * @throws HoldfastError `FORBIDDEN`
   */
  assertPin(rights: readonly PinRight[], { pin, lines }: NamedPin): void {
    const [right] = rights as [PinRight];
    if (rights.some((enough) => this.mayDo(enough, lines))) return;
    const lacking = this.#lackingLine(right, lines)?.pin ?? pin;
    throw this.#refusal(right, ` ${lacking}`, { field: "pin", pin: lacking });
  }

  /** @throws HoldfastError `FORBIDDEN` */
  assertPool(pool: string): void {
    if (!this.mayUse(pool)) throw this.#refusal("frames", ` pool ${pool}`, { field: "pool", pool });
  }

  /** @throws HoldfastError `FORBIDDEN` */
  assertActor(actor: string): void {
    if (!this.mayAsk(actor)) throw this.#refusal("actors", ` actor ${actor}`, { field: "address", actor });
  }

  /** @throws HoldfastError `FORBIDDEN` */
  assertPublish(topic: string): void {
    if (!isWithin(levelsOf(topic), this.#publish)) throw this.#refusal("publish", ` ${topic}`, { field: "topic", topic });
  }

  /** @throws HoldfastError `FORBIDDEN` */
  assertSubscribe(topic: string): void {
    if (!this.maySubscribe(levelsOf(topic))) throw this.#refusal("subscribe", ` ${topic}`, { field: "topic", topic });
  }

  /** @throws HoldfastError `FORBIDDEN` */
  assertAdmin(): void {
    if (!this.access.admin) throw this.#refusal("admin", "", {});
  }

  #lackingLine(right: PinRight, lines: readonly NamedLine[]): NamedLine | undefined {
    const lists = granting[right].map((each) => this.access[each]);
    return lines.find((line) => !lists.some((list) => means(list, line)));
  }

  #refusal(right: keyof typeof deeds, what: string, details: ErrorDetails): HoldfastError {
    const { rules } = this.access;
    const tables = rules.map((name) => `access.${name}`).join(" and ");
    const message = `${tables} ${rules.length > 1 ? "give" : "gives"} no right to ${deeds[right]}${what}`;
    return new HoldfastError("FORBIDDEN", message, { ...details, right, rules });
  }
}

/** Those of the one who runs the supervisor. */
export const allRights = new Rights(fullAccess);

function filters(list: Names): readonly TopicLevels[] | "*" {
  return list === "*" ? list : list.map(levelsOf);
}

function isWithin(topic: TopicLevels, granted: readonly TopicLevels[] | "*"): boolean {
  return granted === "*" || granted.some((filter) => covers(filter, topic));
}

/** Whether one of the names is the line's. */
function means(list: Names, line: NamedLine): boolean {
  return list === "*" || list.some((name) => isCalled(line, name));
}
