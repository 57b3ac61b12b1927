import fc from "fast-check";
import type { Policy, RequestOf } from "../protocol/requests.ts";

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const policies = fc.oneof(
  fc.constantFrom<object>({}, { policy: "latest" }),
  fc.record({
    policy: fc.constantFrom<Policy>("drop-oldest", "drop-newest"),
    depth: fc.constantFrom(undefined, 1, 2, 3),
  }),
  fc.record({
    policy: fc.constant<Policy>("block"),
    depth: fc.constantFrom(undefined, 1, 2),
    deadlineMs: fc.integer({ min: 1, max: 50 }),
  }),
);
const terms = fc.record({
  group: fc.constantFrom(undefined, "algo", "algo", "saver"),
  maxHoldMs: optional(fc.integer({ min: 1, max: 40 })),
  startWithLatest: optional(fc.boolean()),
});

/** Any way to take frames of a pool: alone or in one of two groups, with any policy. */
export function subscribeRequests(pool: string): fc.Arbitrary<RequestOf<"frames.subscribe">> {
  return fc.tuple(policies, terms).map(([policy, rest]) => {
    const fields = Object.entries({ ...policy, ...rest }).filter(([, value]) => value !== undefined);
    return { id: 0, op: "frames.subscribe", pool, ...Object.fromEntries(fields) } as RequestOf<"frames.subscribe">;
  });
}
