import { type Actor, createActor } from "xstate";
import { type SlotEvent, slotMachine } from "../../../actors/slot.ts";
import type { PoolMemory } from "../../frames/memory.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { SlotState } from "../../protocol/replies.ts";
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
  readonly #actor: Actor<typeof slotMachine> = createActor(slotMachine);
  readonly #memory: PoolMemory;
  #state: SlotState = "free";
  #lastLease = 0;
  /** Null: there is none. */
  writer: WriteLease | null = null;
  readonly readers = new Set<ReadLease>();
  /** What is in it while it is `ready` or `reading`. */
  frame: Frame | null = null;

  constructor(
    readonly index: number,
    memory: PoolMemory,
  ) {
    this.#memory = memory;
    this.#actor.start();
  }

  get state(): SlotState {
    return this.#state;
  }

  get generation(): number {
    return this.#actor.getSnapshot().context.generation;
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
    this.writer = writer;
    this.#lastLease = writer.number;
    this.#send({ type: "acquire" }, "writing");
  }

  publish(frame: Frame, claims: number): void {
    this.#memory.describe(this.index, frame);
    this.writer = null;
    this.frame = frame;
    this.#send({ type: "publish", claims }, "ready");
  }

  abort(): void {
    this.writer = null;
    this.#send({ type: "abort" }, "free");
  }

  vanish(): void {
    this.#send({ type: "vanish" }, "quarantined");
  }

  /** The writer's process has ended. */
  clear(): void {
    this.writer = null;
    this.#send({ type: "ended" }, "free");
  }

  retire(): void {
    this.writer = null;
    this.#send({ type: "unprovable" }, "retired");
  }

  /** One more is to have the frame. */
  claim(): void {
    this.#send({ type: "claim" }, "ready", "reading");
  }

  take(reader: ReadLease): void {
    this.readers.add(reader);
    this.#send({ type: "take" }, "reading");
  }

  /** One of those who were to have the frame is not to have it. */
  pass(): void {
    this.#send({ type: "pass" }, "ready", "reading", "free");
  }

  release(reader: ReadLease): void {
    this.readers.delete(reader);
    this.#send({ type: "release" }, "ready", "reading", "free");
  }

  /** What comes of an event must be one of these states: anything else would be a slot that two have. */
  #send(event: SlotEvent, ...expected: readonly SlotState[]): void {
    this.#actor.send(event);
    const before = this.#state;
    const { value, context } = this.#actor.getSnapshot();
    this.#state = typeof value === "object" ? (value.writing === "granted" ? "writing" : "quarantined") : (value as SlotState);
    const holds = this.#state === "reading" ? context.readers : 0;
    if (!expected.includes(this.#state) || holds !== this.readers.size || context.claims < 0) {
      throw new HoldfastError("INTERNAL", `slot ${this.index} was told to ${event.type} while ${before}, and is ${this.#state}`);
    }
    if (this.#state === "free") this.frame = null;
    this.#memory.mirror(this.index, {
      generation: context.generation,
      state: this.#state,
      lease: this.#lastLease,
      ownerPid: this.writer?.client.peer.pid ?? 0,
      readers: context.readers,
    });
  }
}
