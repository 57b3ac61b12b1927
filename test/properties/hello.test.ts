import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import fc from "fast-check";
import { decode, encode, LENGTH_BYTES, type Message } from "../../src/protocol/codec.ts";
import type { HoldfastError } from "../../src/protocol/errors.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { awaitHello } from "../../src/transports/tcp/hello.ts";
import { property } from "./property.ts";

/** A socket that brings what a test says, and keeps what it is sent. */
class FakeSocket extends EventEmitter {
  readonly sent: Message[] = [];
  ended = false;

  write(bytes: Uint8Array): void {
    this.sent.push(decode(bytes.subarray(LENGTH_BYTES), defaultLimits));
  }

  resume(): void {}

  end(): void {
    this.ended = true;
    this.emit("close");
  }

  destroy(): void {
    this.ended = true;
  }
}

/** A connection that has yet to say hello, and what has become of it. */
class Greeted {
  readonly socket = new FakeSocket();
  readonly hellos: { readonly name: string; readonly bytes: Uint8Array }[] = [];
  readonly refusals: string[] = [];

  constructor() {
    awaitHello(
      this.socket as unknown as Socket,
      ({ name }, bytes) => this.hellos.push({ name, bytes }),
      ({ code }: HoldfastError) => this.refusals.push(code),
    );
  }

  /** Brings bytes, cut at these places. */
  bring(bytes: Uint8Array, cuts: readonly number[]): void {
    const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, other) => one - other);
    let from = 0;
    for (const until of [...places, bytes.length]) {
      this.socket.emit("data", bytes.subarray(from, until));
      from = until;
    }
  }
}

const name = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => /^[\w ]+$/.test(text));
const cuts = fc.array(fc.nat(2000), { maxLength: 12 });
const anything = fc.uint8Array({ maxLength: 1500 });

property(
  "a hello is understood once however it is cut, and is passed on with all that came with it",
  fc.tuple(name, fc.string({ maxLength: 60 }), anything, cuts),
  ([called, token, behind, places]: [string, string, Uint8Array, number[]]) => {
    const hello = encode({ id: 1, op: "hello", protocol: 1, name: called, token });
    const greeted = new Greeted();
    const all = Buffer.concat([hello, behind]);
    greeted.bring(all, places);
    assert.deepEqual([greeted.hellos.map(({ name }) => name), greeted.refusals, greeted.socket.sent], [[called], [], []]);
    const [passed] = greeted.hellos.map(({ bytes }) => bytes);
    assert(passed !== undefined && passed.length >= hello.length);
    assert.deepEqual(Buffer.from(passed), all.subarray(0, passed.length));
    assert.equal(greeted.socket.listenerCount("data"), 0);
  },
);

property(
  "any other bytes are waited for, or refused once with a typed error, and no more than one message is kept",
  fc.tuple(
    fc.oneof(
      anything,
      fc
        .object({ maxDepth: 3, key: fc.string().filter((key) => key !== "__proto__") })
        .map((message) => encode(JSON.parse(JSON.stringify(message)))),
    ),
    cuts,
  ),
  ([bytes, places]: [Uint8Array, number[]]) => {
    const greeted = new Greeted();
    greeted.bring(bytes, places);
    assert.equal(greeted.hellos.length, 0);
    assert(greeted.refusals.length <= 1);
    assert.equal(greeted.socket.ended, greeted.refusals.length === 1);
    assert.equal(greeted.socket.listenerCount("data"), 1 - greeted.refusals.length);
    assert.deepEqual(
      greeted.socket.sent.map(({ ok, error }) => [ok, (error as { readonly code: string }).code]),
      greeted.refusals.map((code) => [false, code]),
    );
    const announced = bytes.length >= LENGTH_BYTES ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 1;
    const isWhole = bytes.length >= LENGTH_BYTES && (announced === 0 || announced > 4096 || bytes.length - LENGTH_BYTES >= announced);
    assert.equal(greeted.refusals.length, isWhole ? 1 : 0);
  },
);
