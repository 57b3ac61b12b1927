import fc from "fast-check";

const level = fc.constantFrom("", "a", "b", "$s", "b$");

/** Names of topics, few enough that filters fit them. */
export const topicNames: fc.Arbitrary<string> = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((name) => name !== "");

/** Filters, with and without wildcards. */
export const topicFilters: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ["#"] : [])].join("/"))
  .filter((filter) => filter !== "");
