import fc from "fast-check";

/** How often a property is tried unless it or FC_RUNS says otherwise. */
const DEFAULT_RUNS = 100;

/**
 * Tries `check` on values that `arbitrary` makes, in any test runner. The environment can say more: FC_RUNS how often,
 * FC_SEED to see a failure again, and with it FC_PATH to go straight to the shrunken value.
 * @throws Error with the smallest value that fails, and with how to see it again
 */
export async function holds<T>(
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => void | Promise<void>,
  { runs = DEFAULT_RUNS }: { readonly runs?: number } = {},
): Promise<void> {
  const { FC_SEED: seed, FC_PATH: path, FC_RUNS: asked } = process.env;
  const outcome = await fc.check(
    fc.asyncProperty(arbitrary, async (value) => check(value)),
    {
      numRuns: asked === undefined ? runs : Number(asked),
      ...(seed === undefined ? {} : { seed: Number(seed) }),
      ...(path === undefined ? {} : { path }),
    },
  );
  if (!outcome.failed) return;
  const report = await fc.asyncDefaultReportMessage(outcome);
  throw new Error(`${report}\n\nTo see it again, run this test with FC_SEED=${outcome.seed}`, { cause: outcome.errorInstance });
}
