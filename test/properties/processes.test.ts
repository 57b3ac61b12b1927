import assert from "node:assert/strict";
import fc from "fast-check";
import { play, scripts, step } from "../../src/index-testing.ts";
import type { SimProgram } from "../../src/processes/sim-host.ts";
import { ProcessYard, type Worker } from "./process-yard.ts";
import { property } from "./property.ts";

const names = ["a", "b", "c"];
const ms = (most: number) => fc.integer({ min: 1, max: most });
/** Something that is there in one of five cases. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.tuple(arbitrary, fc.nat(4)).map(([value, turn]) => (turn === 4 ? value : undefined));

/** Most of them fail soon. */
const program: fc.Arbitrary<SimProgram> = fc
  .record({
    missing: fc.constantFrom(...Array<false>(9).fill(false), true),
    runsMs: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 3 }),
    status: fc.constantFrom(0, 1, 1),
    endsMs: fc.option(fc.integer({ min: 0, max: 80 }), { freq: 3 }),
    othersEndMs: fc.option(fc.option(fc.integer({ min: 0, max: 80 })), { nil: undefined, freq: 1 }),
  })
  .map((said) => Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)));

/** Each may be started after those before it. */
const worker = (before: readonly string[]): fc.Arbitrary<Worker> =>
  fc.record({
    table: fc.record({
      command: fc.constant(["program"]),
      restart: fc.constantFrom("always" as const, "always" as const, "on-failure" as const, "never" as const),
      autostart: fc.constantFrom(true, true, false),
      after: fc.subarray([...before]),
      backoffMs: ms(20),
      maxBackoffMs: fc.integer({ min: 20, max: 30 }),
      restartLimit: fc.integer({ min: 0, max: 6 }),
      restartWindowMs: fc.constantFrom(40, 200, 1000),
      graceMs: ms(100),
      heartbeatMs: rarely(fc.integer({ min: 20, max: 200 })),
    }),
    programs: fc.array(program, { minLength: 1, maxLength: 4 }),
  });

const name = fc.constantFrom(...names);
const steps = [
  fc.tuple(name, fc.constantFrom("process.start" as const, "process.restart" as const)).map(([process, op]) =>
    step<ProcessYard>(`${op} ${process}`, (yard) => {
      yard.start(process, op);
      yard.check();
    }),
  ),
  fc.tuple(name, fc.boolean()).map(([process, hard]) =>
    step<ProcessYard>(`stop ${process}${hard ? " hard" : ""}`, (yard) => {
      yard.stop(process, hard);
      yard.check();
    }),
  ),
  fc.tuple(name, fc.constantFrom(0, 1)).map(([process, status]) =>
    step<ProcessYard>(`${process} ends with ${status}`, (yard) => {
      yard.living(process)?.end({ status });
      yard.check();
    }),
  ),
  name.map((process) =>
    step<ProcessYard>(`${process} connects`, (yard) => {
      const pid = yard.living(process)?.pid;
      if (pid !== undefined) yard.world.join("program", pid);
      yard.check();
    }),
  ),
  ms(200).map((span) => step<ProcessYard>(`${span} ms pass`, (yard) => yard.world.pass(span, () => yard.check()))),
  fc.constant(
    step<ProcessYard>(
      "shutdown",
      (yard) => yard.shutDown(),
      (yard) => yard.shut !== "hard" && !yard.world.stopped,
    ),
  ),
];

property(
  "whatever is asked and however programs end, each runs once, after what it needs, no oftener than it may, and ends when it is to",
  fc.record({
    a: worker([]),
    b: worker(["a"]),
    c: worker(["a", "b"]),
    chances: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
    script: scripts(steps, 25),
  }),
  async ({ a, b, c, chances, script }) => {
    let drawn = 0;
    const yard = new ProcessYard({ a, b, c }, () => chances[drawn++ % chances.length] as number);
    await yard.world.settle();
    await play(script, yard);
    await yard.end();
    assert.equal(yard.world.clock.pending, 0, "something is still to come");
  },
);
