import { type Actor, createActor } from "xstate";
import { type SlotEvent, slotLogic } from "../../../actors/slot.ts";
import type { PoolMemory } from "../../frames/memory.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { SlotState } from "../../protocol/replies.ts";
import type { Transitions } from "../addresses/transitions.ts";
import type { ReadLease, WriteLease } from "./lease.ts";

/** A frame that has been published. */
export interface Frame {
  /** Its number in the pool, from 1. */
  readonly seq: number;
  /** Of the payload that are used. */
  readonly bytes: number;
  /** Of its capture, CLOCK_MONOTONIC, ns. */
  readonly timestampNs: bigint;
  readonly publishedNs: bigint;
  readonly meta: Record<string, unknown> | undefined;
}

/** One slot of a pool's file: the machine that says whose it is, and who that is. Its header in the file shows the same. */
export class Slot {
  readonly #actor: Actor<typeof slotLogic> = createActor(slotLogic);
  readonly #memory: PoolMemory;
  readonly #transitions: Transitions;
  readonly #tell: (slot: Slot, event: string) => void;
  #state: SlotState = "free";
  #generation = 0;
  #lastLease = 0;
  /** Null: there is none. */
  writer: WriteLease | null = null;
  readonly readers = new Set<ReadLease>();
  /** What is in it while it is `ready` or `reading`. */
  frame: Frame | null = null;

  /** @param tell is told of each event, with what it was, while anybody listens */
  constructor(
    readonly index: number,
    memory: PoolMemory,
    transitions: Transitions,
    tell: (slot: Slot, event: string) => void,
  ) {
    this.#memory = memory;
    this.#transitions = transitions;
    this.#tell = tell;
    this.#actor.start();
  }

  get state(): SlotState {
    return this.#state;
  }

  /** Odd while the content may change, even while a frame is in it; never the same again. */
  get generation(): number {
    return this.#generation;
  }

  /** Those who are still to take the frame, the pool itself included while it keeps it as the latest. */
  get claims(): number {
    return this.#actor.getSnapshot().context.claims;
  }

  /** Which file it is in. */
  get epoch(): number {
    return this.#memory.layout.epoch;
  }

  acquire(writer: WriteLease): void {
    this.#assertIs("free");
    this.writer = writer;
    this.#lastLease = writer.number;
    this.#generation += this.#generation % 2 === 0 ? 1 : 2;
    this.#send({ type: "acquire" });
  }

  publish(frame: Frame, claims: number): void {
    this.#assertIs("writing");
    this.#memory.describe(this.index, frame);
    this.writer = null;
    this.frame = frame;
    this.#generation += 1;
    this.#send({ type: "publish", claims });
  }

  abort(): void {
    this.#assertIs("writing", "quarantined");
    this.writer = null;
    this.#send({ type: "abort" });
  }

  vanish(): void {
    this.#assertIs("writing");
    this.#send({ type: "vanish" });
  }

  /** The writer's process has ended. */
  clear(): void {
    this.#assertIs("quarantined");
    this.writer = null;
    this.#send({ type: "ended" });
  }

  retire(): void {
    this.#assertIs("quarantined");
    this.writer = null;
    this.#send({ type: "unprovable" });
  }

  /** One more is to have the frame. */
  claim(): void {
    this.#assertIs("ready", "reading");
    this.#send({ type: "claim" });
  }

  take(reader: ReadLease): void {
    this.#assertIs("ready", "reading");
    this.readers.add(reader);
    this.#send({ type: "take" });
  }

  /** One of those who were to have the frame is not to have it. */
  pass(): void {
    this.#assertIs("ready", "reading");
    this.#send({ type: "pass" });
  }

  release(reader: ReadLease): void {
    this.#assertIs("reading");
    this.readers.delete(reader);
    this.#send({ type: "release" });
  }

  /** What nobody may ask for is never tried: it would be a slot that two have. */
  #assertIs(...states: readonly SlotState[]): void {
    if (!states.includes(this.#state)) {
      throw new HoldfastError("INTERNAL", `slot ${this.index} is ${this.#state}, and would have to be ${states.join(" or ")}`);
    }
  }

  #send(event: SlotEvent): void {
    const before = this.#actor.getSnapshot();
    this.#actor.send(event);
    const after = this.#actor.getSnapshot();
    if (after === before)
      throw new HoldfastError("INTERNAL", `slot ${this.index} is ${this.#state}, and there is nothing to ${event.type}`);
    const { value, context } = after;
    this.#state = typeof value === "object" ? (value.writing === "granted" ? "writing" : "quarantined") : (value as SlotState);
    const { readers } = context;
    if (readers !== this.readers.size) {
      throw new HoldfastError("INTERNAL", `slot ${this.index} has ${readers} readers, not ${this.readers.size}`);
    }
    if (this.#state === "free") this.frame = null;
    if (this.#transitions.isHeard) this.#tell(this, event.type);
    // Who is still to take a frame is not among the words of the header.
    if ((event.type === "claim" || event.type === "pass") && value === before.value) return;
    this.#memory.mirror(this.index, {
      generation: this.#generation,
      state: this.#state,
      lease: this.#lastLease,
      ownerPid: this.writer?.client.peer.pid ?? 0,
      readers,
    });
  }
}
