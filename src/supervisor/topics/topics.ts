import { timestampNs } from "../../clock/clock.ts";
import { encode, LENGTH_BYTES } from "../../protocol/codec.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { EventOf, ReplyOf, TopicInfo } from "../../protocol/replies.ts";
import type { Fields, RequestOf } from "../../protocol/requests.ts";
import { covers, levelsOf, type TopicLevels } from "../../protocol/topics.ts";
import type { Client } from "../client.ts";
import { allRights } from "../rights.ts";
import type { Subscription } from "../subscription.ts";
import type { Surroundings } from "../surroundings.ts";
import { FilterTree } from "./filter-tree.ts";

/** A message as all are told it. One without a value has no field `value`. */
type Message = Pick<EventOf<"message">, "topic" | "value" | "timestampNs" | "by">;

/** A message that is kept. */
interface Retained {
  readonly levels: TopicLevels;
  readonly message: Message;
  /** Its value's size in CBOR. */
  readonly bytes: number;
}

/** What programs tell each other: who is told of which topics, and the last value of those that keep one. */
export class Topics {
  readonly #surroundings: Surroundings;
  readonly #subscriptions = new FilterTree<Subscription>();
  /** By their names, in the order in which they were published. */
  readonly #retained = new Map<string, Retained>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** Tells everyone whose filter fits. @throws HoldfastError `LIMIT_TOPICS`: nobody has been told then */
  publish({ name: by }: Pick<Client, "name">, { topic, value, retain = false }: Fields<"topic.publish">): ReplyOf<"topic.publish"> {
    const { clock, tally } = this.#surroundings;
    const levels = levelsOf(topic);
    const message = { topic, ...(value !== undefined && { value }), timestampNs: timestampNs(clock), by };
    if (retain) this.#retain(levels, message);
    const told = this.#subscriptions.fitting(levels);
    for (const subscription of told) subscription.push(event(subscription, message, false));
    tally.messagesPublished += 1;
    tally.messagesTold += told.length;
    return { subscribers: told.length };
  }

  /** The values that are kept come first, behind the reply. @throws HoldfastError `LIMIT_SUBSCRIPTIONS` */
  subscribe(client: Client, { topic }: RequestOf<"topic.subscribe">): ReplyOf<"topic.subscribe"> {
    const filter = levelsOf(topic);
    const kept = [...this.#retained.values()].filter(({ levels }) => covers(filter, levels));
    const subscription = client.subscribe(() => this.#subscriptions.delete(filter, subscription), kept.length);
    this.#subscriptions.add(filter, subscription);
    subscription.begin(kept.map(({ message }) => event(subscription, message, true)));
    return { sub: subscription.number, retained: kept.length };
  }

  /** Every topic that keeps a value, and that one may subscribe to. */
  all(rights = allRights): TopicInfo[] {
    return [...this.#retained.values()]
      .filter(({ levels }) => rights.maySubscribe(levels))
      .map(({ levels, bytes, message: { topic, timestampNs, by } }) => ({
        topic,
        bytes,
        timestampNs,
        by,
        subscribers: this.#subscriptions.fitting(levels).length,
      }));
  }

  /** @throws HoldfastError `LIMIT_TOPICS` */
  #retain(levels: TopicLevels, message: Message): void {
    const { topic, value } = message;
    const limit = this.#surroundings.limits.topics;
    if (value !== undefined && !this.#retained.has(topic) && this.#retained.size >= limit) {
      throw new HoldfastError("LIMIT_TOPICS", `${limit} topics may keep a value`, { limit });
    }
    const bytes = value === undefined ? 0 : bytesOf(value);
    // Deleted first, so that it moves to the end.
    this.#retained.delete(topic);
    if (value !== undefined) this.#retained.set(topic, { levels, message, bytes });
  }
}

/** Found once: who lists topics again and again must not have all that they keep encoded each time. */
function bytesOf(value: unknown): number {
  return encode({ value }).length - LENGTH_BYTES - KEY_BYTES;
}

/** What the map and its key take in `encode({ value })`. */
const KEY_BYTES = encode({ value: 0 }).length - LENGTH_BYTES - 1;

function event({ number: sub }: Subscription, message: Message, retained: boolean): EventOf<"message"> {
  return { sub, ev: "message", ...message, retained, lost: 0 };
}
