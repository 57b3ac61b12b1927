import assert from "node:assert/strict";
import fc from "fast-check";
import { play, scripts, step } from "../../src/index-testing.ts";
import { ActorYard } from "./actor-yard.ts";
import { property } from "./property.ts";
import type { SimActor } from "./sim-actors.ts";

const ms = (most: number) => fc.integer({ min: 0, max: most });
/** Something that is there in one of so many cases. */
const oneOf = <T>(cases: number, arbitrary: fc.Arbitrary<T>) =>
  fc.tuple(arbitrary, fc.nat(cases - 1)).map(([value, turn]) => (turn === cases - 1 ? value : undefined));

/** Pins that two may want, and names that two may say. */
const pins = fc.dictionary(fc.constantFrom("GPIO4", "GPIO5", "GPIO6"), ms(50), { maxKeys: 2 });

const actor: fc.Arbitrary<SimActor> = fc
  .record({
    name: oneOf(4, fc.constantFrom("door", "a")),
    loads: fc.oneof({ weight: 5, arbitrary: ms(60) }, { weight: 1, arbitrary: fc.constantFrom("blocks" as const, "waits" as const) }),
    refusal: oneOf(6, fc.constant({ code: "BAD_ACTOR", message: "does not parse" })),
    imports: oneOf(3, fc.constant(["/actors/lib/wall.ts"])),
    pins,
    runsMs: oneOf(2, ms(80)),
    after: fc.constantFrom("done" as const, "fails" as const, "fails" as const, "blocks" as const, "goes" as const),
    endsMs: fc.option(ms(80), { freq: 4 }),
  })
  .map((said) => Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)));

const table = fc.record({
  restart: fc.constantFrom("always" as const, "on-failure" as const, "never" as const),
  blockedMs: fc.constant(1000),
  backoffMs: fc.integer({ min: 1, max: 20 }),
  maxBackoffMs: fc.integer({ min: 20, max: 40 }),
  restartLimit: fc.integer({ min: 0, max: 5 }),
  restartWindowMs: fc.constantFrom(100, 2000),
  graceMs: fc.integer({ min: 1, max: 100 }),
});

const file = fc.constantFrom("a.ts", "b.ts", "c.js");
const steps = [
  fc
    .tuple(file, fc.option(actor, { freq: 4 }))
    .map(([name, content]) =>
      step<ActorYard>(content === null ? `rm ${name}` : `write ${name}: ${JSON.stringify(content)}`, (yard) =>
        yard.write(name, content ?? undefined),
      ),
    ),
  fc.constant(step<ActorYard>("write lib/wall.ts", (yard) => yard.write("lib/wall.ts", {}))),
  fc.constant(step<ActorYard>("reload", (yard) => yard.reload())),
  fc.constant(step<ActorYard>("reload", (yard) => yard.reload())),
  fc
    .tuple(file, fc.constantFrom("actor.start" as const, "actor.restart" as const))
    .map(([name, op]) => step<ActorYard>(`${op} ${name}`, (yard) => yard.start(name, op))),
  fc
    .tuple(file, fc.boolean())
    .map(([name, hard]) => step<ActorYard>(`stop ${name}${hard ? " hard" : ""}`, (yard) => yard.stop(name, hard))),
  file.map((name) => step<ActorYard>(`${name} fails`, (yard) => yard.fail(name))),
  ms(100).map((span) => step<ActorYard>(`${span} ms pass`, (yard) => yard.world.pass(span, () => yard.check()))),
  ms(1500).map((span) => step<ActorYard>(`${span} ms pass`, (yard) => yard.world.pass(span, () => yard.check()))),
  fc.constant(
    step<ActorYard>(
      "shutdown",
      (yard) => yard.shutDown(),
      (yard) => yard.shut !== "hard" && !yard.world.stopped,
    ),
  ),
];

property(
  "whatever is asked, written and broken, an actor that does not run holds nothing, none runs beside itself, and all end when they are to",
  fc.record({
    files: fc.record({ "a.ts": actor, "b.ts": actor, "lib/wall.ts": fc.constant({}) }),
    table,
    chances: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
    script: scripts(steps, 25),
  }),
  async ({ files, table: said, chances, script }) => {
    let drawn = 0;
    const yard = new ActorYard(files, said, () => chances[drawn++ % chances.length] as number);
    await yard.world.settle();
    await play(script, yard, (scene) => scene.check());
    await yard.end();
    assert.equal(yard.world.clock.pending, 0, "something is still to come");
  },
);
