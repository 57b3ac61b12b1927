import type { EventStream } from "../client/event-stream.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf } from "../protocol/replies.ts";
import type { TopicDeclarations } from "./declarations.ts";
import { refusedDeclaration } from "./refused-declaration.ts";
import type { World } from "./world.ts";

/** The topics of a running actor. */
export class ActorTopics {
  readonly #world: World;
  readonly #topics: TopicDeclarations;
  readonly #streams = new Map<string, EventStream<EventOf<"message">>>();

  constructor(world: World, topics: TopicDeclarations) {
    this.#world = world;
    this.#topics = topics;
  }

  /** Subscribes to all that are heard. @throws HoldfastError as `refusedDeclaration` makes of what `topic.subscribe` answers */
  async open(): Promise<void> {
    for (const [name, topic] of Object.entries(this.#topics)) {
      if (!("subscribe" in topic)) continue;
      try {
        this.#streams.set(name, await this.#world.client.topic(topic.subscribe));
      } catch (thrown) {
        throw refusedDeclaration(name, thrown);
      }
    }
  }

  /** Tells the machine of the messages. */
  listen(): void {
    for (const [name, stream] of this.#streams) void this.#follow(name, stream);
  }

  /** Publishes what the machine says. */
  publish(name: string, value: unknown, retain: boolean): void {
    const declared = this.#topics[name];
    if (declared === undefined || !("publish" in declared)) return;
    this.#world.client
      .publish(declared.publish, value, { retain })
      .catch((error) => this.#world.trouble({ type: `${name}.failed`, error: HoldfastError.from(error).toValue() }, error));
  }

  async #follow(name: string, stream: EventStream<EventOf<"message">>): Promise<void> {
    try {
      for await (const { topic, value, retained, timestampNs, by, lost } of stream) {
        this.#world.tell({ type: `${name}.message`, topic, value, retained, timestampNs, by, lost });
      }
    } catch (error) {
      this.#world.trouble({ type: `${name}.lost`, error: HoldfastError.from(error).toValue() }, error);
    }
  }
}
