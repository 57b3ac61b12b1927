import { type Address, addressOf, formatAddress, type Kind, parentOf, ROOT } from "../../protocol/addresses.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { ActorInfo, ReplyOf } from "../../protocol/replies.ts";
import type { Request, RequestOf } from "../../protocol/requests.ts";
import { didYouMean, similarNames } from "../../protocol/similar-names.ts";
import type { Client } from "../client.ts";
import type { Addressed, Data } from "./addressed.ts";
import { operationFor, operationsOf } from "./operation-events.ts";
import type { Transitions } from "./transitions.ts";

/** How long an answer may take unless the one who asks says it, in ms. */
const DEFAULT_TIMEOUT_MS = 5000;

/** Where the actors of one kind are. */
export interface Source<A extends Address = Address> {
  /** Those that there are; of what can be opened, what is open. */
  all(): readonly Addressed[];
  /** The one that is meant; undefined: there is none. @throws HoldfastError why the address means none, where there is more to say */
  find(address: A): Addressed | undefined;
}

/** Where the actors of all kinds are. */
export type Sources = { readonly [K in Kind]: Source<Extract<Address, { kind: K }>> };

/** Every actor by its address: what it is, what it can be sent, and who listens to it. */
export class Addresses {
  readonly #sources: Sources;
  readonly #transitions: Transitions;
  readonly #perform: (client: Client, request: Request) => unknown;

  /** @param perform does what a request asks that an event was, with all checks that it has by itself */
  constructor(sources: Sources, transitions: Transitions, perform: (client: Client, request: Request) => unknown) {
    this.#sources = sources;
    this.#transitions = transitions;
    this.#perform = perform;
  }

  /** What `actors` answers. @throws HoldfastError `ACTOR_UNKNOWN` */
  list(client: Client, under?: string): ActorInfo[] {
    return this.#below(client, under).map(infoOf);
  }

  /** @throws HoldfastError `ACTOR_UNKNOWN` */
  describe(client: Client, text: string): ReplyOf<"actor.describe"> {
    const { address, kind, inbox, machine } = this.#find(client, text);
    return { address, kind, machine: machine() as Data | null, accepts: [...(inbox?.accepts() ?? operationsOf(addressOf(address)))] };
  }

  /**
   * An event, for an actor to take.
   * @throws HoldfastError `ACTOR_UNKNOWN`, `EVENT_UNKNOWN`, `EVENT_INVALID`, and what the actor or the operation throws
   */
  send(client: Client, { address, event, id }: RequestOf<"actor.send">): ReplyOf<"actor.send"> | Promise<ReplyOf<"actor.send">> {
    const actor = this.#find(client, address);
    const { inbox } = actor;
    const taken = inbox === undefined ? this.#operate(client, actor, event, id) : inbox.send(client, event);
    return taken instanceof Promise ? taken.then(() => ({})) : {};
  }

  /**
   * The same, and what the actor answers; of an operation its reply.
   * @throws HoldfastError `ASK_TIMEOUT`: it may yet do what it was asked; and as `send`
   */
  ask(client: Client, request: RequestOf<"actor.ask">): ReplyOf<"actor.ask"> | Promise<ReplyOf<"actor.ask">> {
    const { event, id, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
    const actor = this.#find(client, request.address);
    const { inbox } = actor;
    const answer = inbox === undefined ? this.#operate(client, actor, event, id) : inbox.ask(client, event, timeoutMs);
    if (!(answer instanceof Promise)) return { reply: answer };
    return this.#inTime(client, answer, timeoutMs, () => {
      const message = `${actor.address} has not answered ${event.type} within ${timeoutMs} ms`;
      return new HoldfastError("ASK_TIMEOUT", message, { address: actor.address, timeoutMs });
    });
  }

  /** @throws HoldfastError `ACTOR_UNKNOWN`, `LIMIT_SUBSCRIPTIONS` */
  observe(client: Client, text: string): ReplyOf<"observe"> {
    const actor = this.#find(client, text);
    return { sub: this.#transitions.listen(client, actor.address, false, [actor]), state: actor.state };
  }

  /** @throws HoldfastError `ACTOR_UNKNOWN`, `LIMIT_SUBSCRIPTIONS` */
  trace(client: Client, text?: string): ReplyOf<"trace"> {
    const now = this.#below(client, text);
    const [first] = now as [Addressed];
    return { sub: this.#transitions.listen(client, first.address, true, now) };
  }

  /** An actor and all below it that a client may see, each behind the one that it is a part of. */
  #below(client: Client, text: string = formatAddress(ROOT)): readonly Addressed[] {
    const top = this.#find(client, text);
    // Slots come behind their pools.
    const { supervisor: _root, slot: _slots, ...kinds } = this.#sources;
    const others = top.kind === "supervisor" ? Object.values(kinds).flatMap((source) => source.all()) : [];
    return [top, ...others].flatMap((actor) => [actor, ...(actor.parts?.() ?? [])]).filter((actor) => actor.isSeenBy(client));
  }

  /** @throws HoldfastError `ACTOR_UNKNOWN` */
  #find(client: Client, text: string): Addressed {
    const address = addressOf(text);
    const found = (this.#sources[address.kind] as Source).find(address);
    if (found !== undefined) return found;
    const all = Object.values(this.#sources).flatMap((source) => source.all());
    const seen = all.filter((actor) => actor.kind === address.kind && actor.isSeenBy(client));
    const nearest = similarNames(
      text,
      seen.map((actor) => actor.address),
    );
    throw new HoldfastError("ACTOR_UNKNOWN", `there is no ${text}${didYouMean(nearest)}`, { field: "address", nearest });
  }

  #operate(client: Client, { address }: Addressed, event: RequestOf<"actor.send">["event"], id: number): unknown {
    return this.#perform(client, operationFor(addressOf(address), event, id));
  }

  /** An answer, or an error when it does not come in time. What was asked stays one of the client's requests until it has come. */
  #inTime(client: Client, answer: Promise<unknown>, ms: number, late: () => HoldfastError): Promise<{ reply: unknown }> {
    const { clock } = client.surroundings;
    return new Promise((resolve, reject) => {
      const alarm = clock.at(clock.nowUs() + ms * 1000, () => {
        client.pending += 1;
        const settled = () => {
          client.pending -= 1;
        };
        answer.then(settled, settled);
        reject(late());
      });
      answer.then(
        (reply) => {
          alarm.cancel();
          resolve({ reply });
        },
        (error) => {
          alarm.cancel();
          reject(error);
        },
      );
    });
  }
}

function infoOf({ address, kind, state }: Addressed): ActorInfo {
  return { address, kind, parent: parentOfText(address), state };
}

function parentOfText(address: string): string | null {
  const parent = parentOf(addressOf(address));
  return parent === null ? null : formatAddress(parent);
}
