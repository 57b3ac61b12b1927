import { type Actor, createActor, type Subscription } from "xstate";
import { inputMachine } from "../../actors/input.ts";
import type { Edge, Line } from "../gpio/backend.ts";
import type { PinState } from "../protocol/replies.ts";
import type { Level } from "../protocol/requests.ts";
import type { Tenant, TenantHooks } from "./tenant.ts";

/** An input: the machine of its life, and the last level that its edges told. */
export class Input implements Tenant {
  readonly direction = "in";
  readonly mode = null;
  readonly queued = 0;
  readonly command = null;
  readonly value = null;
  readonly remainingMs = 0;
  readonly #actor: Actor<typeof inputMachine>;
  readonly #hooks: TenantHooks;
  readonly #closed: Subscription;
  #level: Level;

  constructor(line: Line, hooks: TenantHooks) {
    this.#hooks = hooks;
    this.#level = line.get();
    const release = () => line.release(() => this.#send("released"));
    this.#actor = createActor(inputMachine.provide({ actions: { release } }));
    this.#closed = this.#actor.subscribe({ complete: hooks.closed });
    this.#actor.start();
  }

  get state(): PinState {
    return this.#actor.getSnapshot().value;
  }

  get released(): boolean {
    return this.state !== "watching";
  }

  get level(): Level | null {
    return this.state === "watching" ? this.#level : null;
  }

  /** An edge from the line. */
  edge({ level, timestampNs, lost }: Edge): void {
    this.#level = level;
    this.#hooks.edge(level, timestampNs, lost);
  }

  close(): void {
    this.#send("close");
  }

  abort(): void {
    this.#send("close");
  }

  retire(): void {
    this.#closed.unsubscribe();
    this.#actor.stop();
  }

  #send(type: "close" | "released"): void {
    this.#actor.send({ type });
    this.#hooks.changed();
  }
}
