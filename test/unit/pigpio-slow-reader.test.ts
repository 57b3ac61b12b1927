import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { PigpioConnection } from "../../src/transports/pigpio/connection.ts";
import { decodeReport } from "../pigpio-report.ts";
import { PigpioStage } from "./pigpio-stage.ts";

const REPORT_BYTES = 12;

/** A socket whose peer reads when the test says so. */
class LazySocket extends Duplex {
  #written: Buffer[] = [];
  #done: (() => void) | null = null;

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#written.push(chunk);
    this.#done = done;
  }

  /** The peer reads all that has been sent, and what is sent thereupon. */
  async readAll(): Promise<Buffer> {
    while (this.#done !== null) {
      const done = this.#done;
      this.#done = null;
      done();
      for (let turn = 0; turn < 10; turn++) await null;
    }
    return Buffer.concat(this.#written.splice(0));
  }
}

test("of reports that a program does not read the latest are kept, and their numbers tell how many are lost; others get theirs", async () => {
  const stage = new PigpioStage();
  const attentive = stage.program("attentive");
  const socket = new LazySocket();
  const warnings: string[] = [];
  const log = { debug() {}, info() {}, warn: (_: object, message: string) => void warnings.push(message), error() {} };
  const lazy = new PigpioConnection(stage.daemon, socket as unknown as Socket, { ...defaultLimits, backlogEvents: 100 }, log);
  for (const program of [lazy, attentive]) await stage.daemon.notify(stage.daemon.openHandle(program), 1 << 4);
  attentive.take();
  let flips = 0;
  const flip = async () => {
    stage.world.sim.drive({ chip: "sim:0", offset: 4 }, flips++ % 2 === 0 ? 1 : 0);
    await stage.world.settle();
  };
  while (warnings.length === 0) await flip();
  for (let more = 0; more < 250; more++) await flip();
  expect(warnings).toEqual(["client does not read its notifications; the oldest are dropped"]);
  expect(attentive.take()).toHaveLength(flips);
  const bytes = await socket.readAll();
  const reports = Array.from({ length: bytes.length / REPORT_BYTES }, (_, at) =>
    decodeReport(bytes.subarray(at * REPORT_BYTES, (at + 1) * REPORT_BYTES)),
  );
  const numbers = reports.map(({ sequence }) => sequence);
  // The first says how the levels were; then there is one of each edge.
  const told = flips + 1;
  expect(numbers.slice(-100)).toEqual(Array.from({ length: 100 }, (_, index) => told - 100 + index));
  expect(numbers.slice(0, -100)).toEqual(Array.from({ length: numbers.length - 100 }, (_, index) => index));
  expect(told - numbers.length).toBe(251);
  expect(reports.at(-1)?.levels).toBe((flips % 2) << 4);
  await flip();
  expect(decodeReport(await socket.readAll())).toMatchObject({ sequence: told });
  socket.destroy();
});
