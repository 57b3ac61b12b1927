import { isDeepStrictEqual } from "node:util";
import { formatAddress } from "../../protocol/addresses.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { CameraInfo, CameraSnapshot } from "../../protocol/replies.ts";
import { type ActorEvent, actorEventSchema, type Fields, type Request } from "../../protocol/requests.ts";
import { operationFor } from "../addresses/operation-events.ts";
import type { Client } from "../client.ts";
import type { Topics } from "../topics/topics.ts";

/** What a camera is and does, as its topic tells it. */
type Shown = Pick<CameraInfo, "state" | "fps" | "fault"> & Readonly<Record<"preview" | "save", CameraInfo["preview"]["state"]>>;

/** Does what a client has asked for, by its rights, to the end, whether the client is still there or not. @throws HoldfastError as a rejection */
export type Obey = (client: Client, request: Request) => Promise<unknown>;

/** Who publishes what is told here. */
const TELLER = { name: "supervisor" };

/** The request that an event has come with has been answered by then: it needs no number. */
const NO_ID = 0;

/**
 * What joins topics and cameras: an event that is published on `camera/NAME/set` is sent to that camera, and what has come of it is published on
 * `camera/NAME/done`; `camera/NAME/state` keeps what it does. What is published here is never looked at for events: nothing goes round.
 */
export class CameraTopics {
  readonly #topics: Topics;
  readonly #obey: Obey;
  /** What was told of the cameras that there are, by their names. */
  readonly #shown = new Map<string, Shown>();

  constructor(topics: Topics, obey: Obey) {
    this.#topics = topics;
    this.#obey = obey;
  }

  /** A camera has come to be, or may be another than before. */
  show({ camera, state, fps, preview, save, fault }: CameraInfo): void {
    const now = { state, fps, preview: preview.state, save: save.state, fault };
    if (isDeepStrictEqual(now, this.#shown.get(camera))) return;
    this.#shown.set(camera, now);
    this.#tell(camera, "state", { value: now, retain: true });
  }

  /** There is no such camera any more. */
  gone(camera: string): void {
    this.#shown.delete(camera);
    this.#tell(camera, "state", { retain: true });
  }

  /** A client has published something. Of a camera that is not there it is a message as any other. */
  heard(client: Client, { topic, value }: Fields<"topic.publish">): void {
    const [, camera] = /^camera\/([^/]+)\/set$/.exec(topic) ?? [];
    if (camera === undefined || !this.#shown.has(camera)) return;
    const by = client.name;
    const type = typeOf(value);
    void this.#send(client, camera, value).then(
      // All others answer what the camera does then, and that has a topic of its own.
      (reply) => this.#tell(camera, "done", { value: { type, by, ok: true, ...(type === "snapshot" && (reply as CameraSnapshot)) } }),
      (error) => this.#tell(camera, "done", { value: { type, by, ok: false, error: HoldfastError.from(error).toValue() } }),
    );
  }

  async #send(client: Client, camera: string, value: unknown): Promise<unknown> {
    return this.#obey(client, operationFor({ kind: "camera", camera }, eventOf(value, camera), NO_ID));
  }

  #tell(camera: string, what: "done" | "state", message: Omit<Fields<"topic.publish">, "topic">): void {
    const topic = `${formatAddress({ kind: "camera", camera })}/${what}`;
    try {
      this.#topics.publish(TELLER, { ...message, topic });
    } catch {
      // As many topics keep a value as may. Who listens now is told all the same.
      this.#topics.publish(TELLER, { ...message, topic, retain: false });
    }
  }
}

/** Which event a message is, as far as it says; null: it does not. */
function typeOf(value: unknown): string | null {
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : value;
  return typeof type === "string" ? type : null;
}

/** @throws HoldfastError `EVENT_INVALID` */
function eventOf(value: unknown, camera: string): ActorEvent {
  const parsed = actorEventSchema.safeParse(typeof value === "string" ? { type: value } : value);
  if (parsed.success) return parsed.data;
  const message = `camera ${camera} takes an event with its type, such as {"type": "pause"}, or the type alone where it has no other fields`;
  throw new HoldfastError("EVENT_INVALID", message, { field: "value" });
}
