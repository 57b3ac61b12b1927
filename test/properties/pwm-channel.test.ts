import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { NanosecondsText, onTimeNs } from "../../src/gpio/pwm/nanoseconds.ts";
import { PwmChannel, type PwmDrive } from "../../src/gpio/pwm/sysfs.ts";
import { PwmKernel, pi3, refusal } from "../unit/pwm-kernel.ts";
import { property } from "./property.ts";

const periodNs = fc.oneof(fc.integer({ min: 100_000, max: 10_000_000_000 }), fc.constantFrom(100_000, 5_000_000, 5_000_001));
const duty = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const drive: fc.Arbitrary<PwmDrive> = fc.record({ activeLow: fc.boolean(), periodNs, duty });

/** What is done to a channel. */
type Act =
  | { readonly kind: "setDuty"; readonly duty: number }
  | { readonly kind: "setPeriod"; readonly periodNs: number }
  | { readonly kind: "setPolarity"; readonly activeLow: boolean }
  | { readonly kind: "reopen"; readonly drive: PwmDrive };
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant("setDuty" as const), duty }),
  fc.record({ kind: fc.constant("setPeriod" as const), periodNs }),
  fc.record({ kind: fc.constant("setPolarity" as const), activeLow: fc.boolean() }),
  fc.record({ kind: fc.constant("reopen" as const), drive }),
);

property(
  "whatever is asked of a channel, in whatever state it was found, the kernel refuses no value, and has what was asked for",
  fc.tuple(fc.option(drive, { nil: null }), fc.boolean(), drive, fc.array(act, { maxLength: 12 })),
  ([left, enabled, first, acts]) => {
    const kernel = new PwmKernel(pi3);
    try {
      if (left !== null) {
        const found = {
          period: left.periodNs,
          duty_cycle: onTimeNs(left.duty, left.periodNs),
          polarity: left.activeLow ? "inversed" : "normal",
        };
        const settings = Object.entries({ ...found, ...(enabled && { enable: 1 }) }).map(([name, value]) => [name, String(value)]);
        kernel.leave(pi3, 1, Object.fromEntries(settings));
      }
      const make = () => new PwmChannel(join(kernel.folder, pi3.name), 1, kernel.write);
      let channel = make();
      let asked = first;
      channel.open(first);
      const check = () => {
        assert.deepEqual(kernel.state(pi3, 1), {
          periodNs: asked.periodNs,
          onNs: onTimeNs(asked.duty, asked.periodNs),
          polarity: asked.activeLow ? "inversed" : "normal",
          enabled: true,
        });
      };
      check();
      for (const each of acts) {
        if (each.kind === "setDuty") channel.setDuty(each.duty);
        if (each.kind === "setPeriod") channel.setPeriod(each.periodNs, asked.duty);
        if (each.kind === "setPolarity") channel.setPolarity(each.activeLow);
        if (each.kind === "reopen") {
          // As a supervisor that was killed leaves it, or one that has closed it.
          if (each.drive.activeLow) channel.close();
          channel = make();
          channel.open(each.drive);
        }
        const { kind: _, drive: reopened, ...changed } = { drive: undefined, ...each };
        asked = reopened ?? { ...asked, ...changed };
        check();
      }
      assert.deepEqual(kernel.taken, kernel.writes);
      channel.close();
      assert.equal(kernel.state(pi3, 1), null);
    } finally {
      kernel.delete();
    }
  },
  200,
);

/** What is done to a channel, and which writes that takes the kernel refuses: the first is 0. */
const refusedAct = fc.record({
  activeLow: fc.option(fc.boolean(), { nil: null }),
  duty,
  refused: fc.uniqueArray(fc.nat({ max: 5 }), { maxLength: 4 }),
});

property(
  "whatever the kernel refuses, an enabled channel has the polarity that it is known to have, and the next duty that is taken is driven",
  fc.array(refusedAct, { maxLength: 10 }),
  (acts) => {
    const kernel = new PwmKernel(pi3);
    try {
      const channel = new PwmChannel(join(kernel.folder, pi3.name), 1, kernel.write);
      const known = { periodNs: 1_000_000, activeLow: false };
      channel.open({ ...known, duty: 0 });
      const done = (act: () => void) => {
        try {
          act();
          return true;
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, "EINVAL");
          return false;
        }
      };
      for (const { activeLow, duty, refused } of acts) {
        let write = 0;
        kernel.fault = () => {
          if (refused.includes(write++)) throw refusal("EINVAL");
        };
        if (activeLow === null) {
          const isDriven = done(() => channel.setDuty(duty));
          if (isDriven) assert.equal(kernel.state(pi3, 1)?.onNs, onTimeNs(duty, known.periodNs));
          if (isDriven) assert(kernel.state(pi3, 1)?.enabled);
        } else if (done(() => channel.setPolarity(activeLow))) known.activeLow = activeLow;
        const { enabled, polarity } = kernel.state(pi3, 1) ?? {};
        assert(!enabled || polarity === (known.activeLow ? "inversed" : "normal"));
      }
      kernel.fault = () => {};
      channel.setDuty(0.5);
      const polarity = known.activeLow ? "inversed" : "normal";
      assert.deepEqual(kernel.state(pi3, 1), { periodNs: known.periodNs, onNs: 500_000, polarity, enabled: true });
    } finally {
      kernel.delete();
    }
  },
  300,
);

property(
  "a number of nanoseconds is written as it is read",
  fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 10 }),
  (numbers) => {
    const text = new NanosecondsText();
    for (const ns of numbers) assert.equal(Buffer.from(text.of(ns)).toString(), `${ns}\n`);
  },
  500,
);
