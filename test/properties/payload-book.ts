import assert from "node:assert/strict";
import type { EventOf, Grant } from "../../src/protocol/replies.ts";

/** Whoever stores pixels in a slot, at every moment until it says that it is done, or its process ends. */
interface Storing {
  readonly lease: number;
  readonly process: object | null;
  readonly at: string;
}

/** Whoever reads a frame, at every moment until it says that it is done, hears that it must be, or its connection ends. */
interface Reading {
  readonly lease: number;
  readonly client: number;
  readonly at: string;
  readonly frame: string;
  /** It has seen something else than what was published. */
  torn: boolean;
}

/**
 * The payloads of slots, and who touches them: known from replies and events alone, as the processes know it that map a pool's
 * file. Everybody does all the time what he may do; a process that has lost its connection goes on storing until it ends.
 */
export class PayloadBook {
  readonly #contents = new Map<string, string>();
  readonly #published = new Map<string, string>();
  readonly #storing = new Map<number, Storing>();
  readonly #reading = new Map<number, Reading>();
  #stores = 0;

  /** A producer has been granted a slot. @param process of which the end ends the storing; null: nobody sees that end */
  granted({ lease, epoch, slot }: Grant, process: object | null): void {
    const at = `${epoch}/${slot}`;
    assert(![...this.#storing.values()].some((other) => other.at === at), `two write to slot ${at}`);
    this.#storing.set(lease, { lease, process, at });
  }

  /** A producer is done with a slot: it is about to publish it or to give it up. @returns what undoes that, when it is refused */
  doneStoring(lease: number): () => void {
    const storing = this.#storing.get(lease);
    this.#storing.delete(lease);
    return () => storing !== undefined && this.#storing.set(lease, storing);
  }

  /** A frame is whole: who reads it must find what is there now. */
  published(epoch: number, slot: number, seq: number): void {
    this.#published.set(`${epoch}/${seq}`, this.#contents.get(`${epoch}/${slot}`) ?? "nothing");
  }

  /** A consumer has been told of a frame. */
  told(client: number, { lease, epoch, slot, seq }: EventOf<"frame">): void {
    this.#reading.set(lease, { lease, client, at: `${epoch}/${slot}`, frame: `${epoch}/${seq}`, torn: false });
  }

  /** A consumer is done with a frame, or must be. @returns whether it has seen nothing but the frame; undefined: it read none */
  doneReading(lease: number): { readonly torn: boolean } | undefined {
    const reading = this.#reading.get(lease);
    this.#reading.delete(lease);
    return reading;
  }

  /** A connection has ended, and whoever read over it with it. */
  gone(client: number): void {
    for (const reading of [...this.#reading.values()]) if (reading.client === client) this.#reading.delete(reading.lease);
  }

  /** A process has ended: it stores nothing any more. */
  ended(process: object): void {
    for (const storing of [...this.#storing.values()]) if (storing.process === process) this.#storing.delete(storing.lease);
  }

  /** Everybody stores who may; then everybody looks at what he reads. @param isRevoked a lease whose end its reader may not know yet */
  live(isRevoked: (lease: number) => boolean): void {
    for (const { at, lease } of this.#storing.values()) this.#contents.set(at, `store ${++this.#stores} of lease ${lease}`);
    for (const reading of this.#reading.values()) {
      const seen = this.#contents.get(reading.at) ?? "nothing";
      if (seen === this.#published.get(reading.frame)) continue;
      reading.torn = true;
      assert(isRevoked(reading.lease), `who reads frame ${reading.frame} in slot ${reading.at} finds ${seen}`);
    }
  }
}
