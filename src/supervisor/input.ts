import { type Actor, createActor, type Subscription } from "xstate";
import { inputMachine } from "../../actors/input.ts";
import type { Edge, Line } from "../gpio/backend.ts";
import { type Levels, withLevel } from "../gpio/levels.ts";
import type { PinState } from "../protocol/replies.ts";
import type { Tenant, TenantHooks } from "./tenant.ts";

/** An input, or a group of them: the machine of its life, and the last levels that its edges told. */
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
  readonly #lines: number;
  /** Null: nobody tells when it changes. */
  #level: Levels | null;

  /** @param lines how many they are */
  constructor(line: Line, lines: number, hooks: TenantHooks) {
    this.#hooks = hooks;
    this.#lines = lines;
    const level = line.get();
    this.#level = line.edgeless ? null : level;
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

  get level(): Levels | null {
    return this.state === "watching" ? this.#level : null;
  }

  /** An edge from a line. */
  edge(edge: Edge): void {
    if (this.#level !== null) this.#level = withLevel(this.#level, edge.index, edge.level, this.#lines);
    this.#hooks.edge(edge);
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
    this.#hooks.changed(type);
  }
}
