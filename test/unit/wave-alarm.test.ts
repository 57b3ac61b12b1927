import { expect, test } from "bun:test";
import { Alarm } from "../../src/gpio/chardev/waves/alarm.ts";
import type { TimeCalls } from "../../src/gpio/chardev/waves/calls.ts";

/** A kernel that takes so many µs to wake a thread up, each time or one time of several. Each look at its clock takes a tenth of one. */
class SlowKernel implements TimeCalls {
  us = 0;
  sleptUs = 0;
  readonly bell = new Int32Array(1);
  ringsAtUs = Number.POSITIVE_INFINITY;

  #waits = 0;

  constructor(
    public wakingUs: number,
    readonly oneOf = 1,
  ) {}

  nowUs(): number {
    this.us += 0.1;
    if (this.us >= this.ringsAtUs) this.bell[0] = 1;
    return this.us;
  }

  wait(_bell: Int32Array, _seen: number, dueUs: number): void {
    const untilUs = Math.max(this.us, Math.min(dueUs, this.ringsAtUs) + (this.#waits++ % this.oneOf === 0 ? this.wakingUs : 0));
    this.sleptUs += untilUs - this.us;
    this.us = untilUs;
  }

  ring(): void {}
  beExact(): void {}
  beRealTime(): boolean {
    return false;
  }
}

/** Waits for so many deadlines. @returns by how much the last one was missed */
function waitFor(deadlines: number, everyUs: number, kernel: SlowKernel): number {
  const alarm = new Alarm(kernel, kernel.bell);
  let dueUs = kernel.us;
  for (let deadline = 0; deadline < deadlines; deadline++) {
    dueUs += everyUs;
    alarm.wait(0, dueUs);
    expect(kernel.us).toBeGreaterThanOrEqual(dueUs);
  }
  return kernel.us - dueUs;
}

test("what the kernel takes to wake the thread up is learned, and then no deadline is missed by it", () => {
  expect(waitFor(1, 1000, new SlowKernel(20))).toBeGreaterThanOrEqual(20);
  expect(waitFor(100, 1000, new SlowKernel(20))).toBeLessThan(1);
});

test("the thread waits awake for no more than an eighth of its time, and for no more than 50 µs each time", () => {
  for (const everyUs of [200, 5000]) {
    const kernel = new SlowKernel(80, 4);
    waitFor(5000, everyUs, kernel);
    const awakeUs = (kernel.us - kernel.sleptUs) / 5000;
    expect(awakeUs).toBeGreaterThan(5);
    expect(awakeUs).toBeLessThan(Math.min(50, everyUs / 8) + 1);
  }
});

test("a bell that rings while the thread waits, asleep or awake, ends that", () => {
  const kernel = new SlowKernel(30);
  const alarm = new Alarm(kernel, kernel.bell);
  kernel.ringsAtUs = 200;
  alarm.wait(0, Number.POSITIVE_INFINITY);
  expect(kernel.us).toBeLessThan(240);

  const learned = new SlowKernel(30);
  const early = new Alarm(learned, learned.bell);
  for (let dueUs = 1000; dueUs <= 100_000; dueUs += 1000) early.wait(0, dueUs);
  learned.wakingUs = 0;
  learned.ringsAtUs = 100_990;
  early.wait(0, 101_000);
  expect(learned.us).toBeLessThan(100_995);
});
