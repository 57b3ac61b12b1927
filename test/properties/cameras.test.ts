import assert from "node:assert/strict";
import fc from "fast-check";
import { play, scripts, step } from "../../src/index-testing.ts";
import type { SimProgram } from "../../src/processes/sim-host.ts";
import { CameraYard, type Plan, type YardCamera } from "./camera-yard.ts";
import { property } from "./property.ts";

const ms = (most: number) => fc.integer({ min: 1, max: most });

const program: fc.Arbitrary<SimProgram> = fc
  .record({
    missing: fc.constantFrom(...Array<false>(14).fill(false), true),
    endsMs: fc.option(fc.integer({ min: 0, max: 80 }), { freq: 3 }),
    othersEndMs: fc.option(fc.option(fc.integer({ min: 0, max: 80 })), { nil: undefined, freq: 1 }),
  })
  .map((said) => Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)));

/** Most of them do what they are for. */
const plan: fc.Arbitrary<Plan> = fc.record({
  program,
  attachMs: fc.option(fc.integer({ min: 1, max: 100 }), { freq: 8 }),
  periodMs: fc.constantFrom(50, 200, 700),
  frames: fc.constantFrom(0, 1, 5, 30, 1000, 1000),
  ending: fc.oneof(
    fc.constant("hangs" as const),
    fc.record({ says: fc.constantFrom(null, "DEVICE_GONE", "PIPELINE_EXITED", "DEVICE_REFUSED"), status: fc.constantFrom(0, 1, 1) }),
  ),
  lingersMs: fc.constantFrom(0, 0, 1, 300),
  obeys: fc.constantFrom(true, true, true, false),
});

const camera = (source: string): fc.Arbitrary<YardCamera> =>
  fc.record({
    table: fc.record({
      pipeline: fc.constant(["program"]),
      source: fc.constant(source),
      width: fc.constant(8),
      height: fc.constant(4),
      format: fc.constant("GREY" as const),
      fps: fc.constantFrom(1, 10),
      stallPeriods: fc.constantFrom(1, 5),
      autostart: fc.constantFrom(true, true, false),
      startMs: fc.constantFrom(60, 500, 3000),
      restart: fc.constantFrom("always" as const, "on-failure" as const, "on-failure" as const, "never" as const),
      backoffMs: ms(100),
      maxBackoffMs: fc.integer({ min: 100, max: 400 }),
      graceMs: ms(100),
      preview: fc.constantFrom({}, { autostart: true }),
      save: fc.constant({ folder: "/srv" }),
    }),
    plans: fc.array(plan, { minLength: 1, maxLength: 5 }),
  });

const name = fc.constantFrom("a", "b");
const steps = [
  fc
    .tuple(name, fc.constantFrom("start" as const, "pause" as const, "resume" as const, "snapshot" as const))
    .map(([camera, verb]) => step<CameraYard>(`${verb} ${camera}`, (yard) => yard.ask({ op: `camera.${verb}`, camera }))),
  fc
    .tuple(name, fc.boolean())
    .map(([camera, hard]) =>
      step<CameraYard>(`stop ${camera}${hard ? " hard" : ""}`, (yard) => yard.ask({ op: "camera.stop", camera, hard })),
    ),
  fc
    .tuple(name, fc.constantFrom("preview" as const, "save" as const), fc.boolean())
    .map(([camera, what, on]) =>
      step<CameraYard>(`${what} ${camera} ${on ? "on" : "off"}`, (yard) => yard.ask({ op: `camera.${what}`, camera, on })),
    ),
  fc
    .tuple(name, fc.constantFrom(1, 20))
    .map(([camera, fps]) => step<CameraYard>(`fps ${camera} ${fps}`, (yard) => yard.ask({ op: "camera.fps", camera, fps }))),
  name.map((camera) => step<CameraYard>(`${camera} is killed`, (yard) => yard.kill(camera))),
  ...Array(3).fill(
    fc
      .constantFrom(1, 30, 200, 1000, 4000, 6000)
      .map((span) => step<CameraYard>(`${span} ms pass`, (yard) => yard.world.pass(span, () => yard.check()))),
  ),
  fc.constant(
    step<CameraYard>(
      "shutdown",
      (yard) => yard.shutDown(),
      (yard) => yard.shut !== "hard" && !yard.world.stopped,
    ),
  ),
];

property(
  "whatever is asked and whatever its processes do, a camera does what it shows, says why it failed, backs off, and leaves nothing behind",
  fc.record({
    a: camera("a"),
    b: camera("b"),
    chances: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
    script: scripts(steps, 25),
  }),
  async ({ a, b, chances, script }) => {
    let drawn = 0;
    const yard = new CameraYard({ a, b }, () => chances[drawn++ % chances.length] as number);
    await yard.world.settle();
    yard.check();
    await play(script, yard);
    await yard.end();
    assert.equal(yard.world.host.living.length, 0);
  },
);
