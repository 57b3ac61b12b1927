import { test } from "bun:test";
import fc from "fast-check";

/** How often a property is tried unless it or FC_RUNS says otherwise. */
const DEFAULT_RUNS = 100;

/** A property that takes longer than this hangs, in ms. */
const TIMEOUT_MS = 120_000;

const { FC_SEED: seed, FC_PATH: path, FC_STEPS: replayPath, FC_RUNS: runs } = process.env;

/**
 * A sentence that holds for everything that `arbitrary` makes. A failure prints what to set to see it again: FC_SEED alone
 * finds and shrinks it anew; with FC_PATH, and FC_STEPS for a script, it goes straight to the shrunken counter-example.
 */
export function property<T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => void | Promise<void>,
  runsByDefault = DEFAULT_RUNS,
) {
  const parameters = {
    numRuns: runs === undefined ? runsByDefault : Number(runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  };
  test(
    name,
    async () => {
      const outcome = await fc.check(
        fc.asyncProperty(arbitrary, async (value) => check(value)),
        parameters,
      );
      if (!outcome.failed) return;
      const again = `FC_SEED=${outcome.seed} bun test -t ${JSON.stringify(name)}`;
      throw new Error(`${await fc.asyncDefaultReportMessage(outcome)}\n\nTo see it again: ${again}`, { cause: outcome.errorInstance });
    },
    TIMEOUT_MS,
  );
}

/** One step of a script: what it does to a world, in the words that a failure prints. */
export type Step<World extends object> = fc.AsyncCommand<World, World>;

/** A step that does `run`; where it does not apply it is left out. */
export function step<World extends object>(
  words: string,
  run: (world: World) => void | Promise<void>,
  applies: (world: World) => boolean = () => true,
): Step<World> {
  return { check: applies, run: async (world) => run(world), toString: () => words };
}

/** Scripts of up to `most` steps. */
export function scripts<World extends object>(
  steps: readonly fc.Arbitrary<Step<World>>[],
  most: number,
): fc.Arbitrary<Iterable<Step<World>>> {
  return fc.commands([...steps], { maxCommands: most, size: "max", ...(replayPath === undefined ? {} : { replayPath }) });
}

/** Plays a script in a world. */
export function play<World extends object>(script: Iterable<Step<World>>, world: World): Promise<void> {
  return fc.asyncModelRun(() => ({ model: world, real: world }), script);
}
