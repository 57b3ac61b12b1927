import type { EventStream } from "../client/event-stream.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf, ReplyOf } from "../protocol/replies.ts";
import type { CommandRequest, Fields, Level } from "../protocol/requests.ts";
import type { InputDeclaration, OutputDeclaration, PinDeclarations } from "./declarations.ts";
import { refusedDeclaration } from "./refused-declaration.ts";
import type { World } from "./world.ts";
import type { OutputOp } from "./world-events.ts";

/** How long a pin may still be closing for whoever had it before, such as this actor's own last life, in ms. */
const CLOSING_WAIT_MS = 60_000;

/** What a declaration of an input says of its edges; all else is said when it is opened. */
type EdgeSettings = Omit<Fields<"watch">, "pin">;

/** The pins of a running actor. */
export class ActorPins {
  readonly #world: World;
  /** The canonical names of the outputs, by the names that the actor has for them. */
  readonly #outputs = new Map<string, string>();
  readonly #streams = new Map<string, EventStream<EventOf<"edge"> | EventOf<"silence">>>();
  /** What the inputs were when they began to be watched; null: those of a group differ. */
  readonly levels: Record<string, Level | null> = {};

  constructor(world: World) {
    this.#world = world;
  }

  /** Opens all of them, and begins to watch the inputs. @throws HoldfastError as `refusedDeclaration` makes of what `open`, `watch` and `read` answer */
  async open(pins: PinDeclarations): Promise<void> {
    await Promise.all(
      Object.entries(pins).map(async ([name, pin]) => {
        try {
          await ("out" in pin ? this.#openOutput(name, pin) : this.#openInput(name, pin));
        } catch (thrown) {
          throw refusedDeclaration(name, thrown);
        }
      }),
    );
  }

  /** Tells the machine of the edges from now on, and of those that came since they were watched. */
  listen(): void {
    for (const [name, stream] of this.#streams) void this.#follow(name, stream);
  }

  /** Does what the machine has commanded of an output. Commands of one turn are done in their order. */
  command(name: string, op: OutputOp, fields: Readonly<Record<string, unknown>>): void {
    const request = this.#world.client.request(op, { ...fields, pin: this.#outputs.get(name) } as never) as Promise<
      ReplyOf<CommandRequest["op"]>
    >;
    request.then(
      (reply) => {
        const { outcome, command, reason, lateMs = 0 } = reply;
        if (outcome === "started") this.#world.tell({ type: `${name}.started`, op, command });
        if (outcome === "done") this.#world.tell({ type: `${name}.done`, op, command, lateMs });
        if (outcome === "cancelled") this.#world.tell({ type: `${name}.cancelled`, op, command, reason });
      },
      (error) => this.#world.trouble({ type: `${name}.failed`, op, error: HoldfastError.from(error).toValue() }, error),
    );
  }

  async #openOutput(name: string, { out, ...settings }: OutputDeclaration): Promise<void> {
    const pin = await this.#world.client.output(out, { waitMs: CLOSING_WAIT_MS, ...settings });
    this.#outputs.set(name, pin.name);
  }

  async #openInput(name: string, { in: line, edge, silenceMs, ...settings }: InputDeclaration): Promise<void> {
    const pin = await this.#world.client.input(line, { waitMs: CLOSING_WAIT_MS, ...settings });
    const watched: EdgeSettings = { edge, silenceMs };
    this.#streams.set(name, await pin.edges(watched as { readonly silenceMs: number }));
    this.levels[name] = (await pin.read()).level;
  }

  async #follow(name: string, stream: EventStream<EventOf<"edge"> | EventOf<"silence">>): Promise<void> {
    try {
      for await (const { sub: _, pin: __, ...event } of stream) {
        const { ev, ...told } = event;
        if (ev === "silence") this.#world.tell({ ...told, type: `${name}.silent` });
        else this.#world.tell({ ...told, type: `${name}.${event.level === 1 ? "rising" : "falling"}` });
      }
    } catch (error) {
      this.#world.trouble({ type: `${name}.lost`, error: HoldfastError.from(error).toValue() }, error);
    }
  }
}
