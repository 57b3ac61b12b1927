import assert from "node:assert/strict";
import { fullAccess } from "../protocol/access.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Event, ReplyOf } from "../protocol/replies.ts";
import { type Op, parseRequest, type RequestOf } from "../protocol/requests.ts";
import type { Client, Outlet, Peer } from "../supervisor/client.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";

/** A request as a test writes it. */
export type Asked = { [O in Op]: { readonly op: O } & Omit<RequestOf<O>, "id" | "op"> }[Op];

/** What became of a request. */
export class Answer<O extends Op = Op> {
  /** Null: it has not been answered. */
  reply: ReplyOf<O> | HoldfastError | null = null;
  /** How many answers it got. */
  answers = 0;

  /** Why it was refused; null: it was not, or not yet. */
  get error(): HoldfastError | null {
    return this.reply instanceof HoldfastError ? this.reply : null;
  }

  /** What it came to: `ok`, `pending` or the code of an error. */
  get outcome(): string {
    return this.reply === null ? "pending" : (this.error?.code ?? "ok");
  }

  /** The reply of a request that was done. */
  get body(): ReplyOf<O> {
    assert(this.reply !== null && !(this.reply instanceof HoldfastError), `the request was not done: ${this.outcome}`);
    return this.reply;
  }

  /** @internal */
  settle(reply: ReplyOf<O> | HoldfastError): void {
    this.reply = reply;
    this.answers++;
  }
}

/** A client that a test moves: what it asks, what it is told, and when it is too slow to take it. */
export class ScriptedClient implements Outlet {
  /** False: it takes no events, which wait for it as far as they may. `catchUp` takes them. */
  ready = true;
  /** What it was told, oldest first. */
  readonly events: Event[] = [];
  /** What became of each of its requests, in the order in which it asked. */
  readonly answers: Answer[] = [];
  /** @internal */
  readonly client: Client;
  readonly #supervisor: Supervisor;

  /**
   * @internal
   * @param peer where it differs from one of whom nothing is known, and who may do everything
   */
  constructor(supervisor: Supervisor, name: string, peer: Partial<Peer> = {}) {
    this.#supervisor = supervisor;
    const unknown = { transport: "test", address: null, name, pid: null, uid: null, access: () => fullAccess };
    this.client = supervisor.attach({ ...unknown, ...peer }, this);
  }

  /** Its number, as `status` shows it. */
  get number(): number {
    return this.client.number;
  }

  /** How the supervisor tells it something. */
  deliver(event: Event): void {
    assert(this.ready, "an event comes to a client that takes none");
    this.events.push(event);
  }

  /** Sends a request, as a program does. Many are answered at once; the others when time has passed. */
  ask<A extends Asked>(asked: A): Answer<A["op"]> {
    const answer = new Answer<A["op"]>();
    this.answers.push(answer);
    try {
      const reply = this.#supervisor.request(this.client, parseRequest({ id: this.answers.length, ...asked }));
      if (reply instanceof Promise) {
        reply.then(
          (body) => answer.settle(body as ReplyOf<A["op"]>),
          (error) => answer.settle(error),
        );
      } else answer.settle(reply as ReplyOf<A["op"]>);
    } catch (error) {
      assert(error instanceof HoldfastError);
      answer.settle(error);
    }
    return answer;
  }

  /** Takes what has waited. */
  catchUp(): void {
    this.ready = true;
    this.client.flush();
  }

  /** Its connection breaks: what it holds is let go of, softly. */
  leave(): void {
    this.client.end();
  }
}
