import assert from "node:assert/strict";
import fc from "fast-check";
import { topicFilters, topicNames } from "../../src/index-testing.ts";
import { covers, levelsOf, topicFilterSchema, topicNameSchema } from "../../src/protocol/topics.ts";
import { FilterTree } from "../../src/supervisor/topics/filter-tree.ts";
import { property } from "./property.ts";
import { fits, witnesses } from "./topic-rules.ts";

const isCovered = (filter: string, other: string) => covers(levelsOf(filter), levelsOf(other));

property(
  "a filter fits the names that section 4.7 of MQTT 5 says",
  fc.tuple(topicFilters, topicNames),
  ([filter, name]) => assert.equal(isCovered(filter, name), fits(filter, name)),
  1000,
);

property(
  "a filter covers another when it fits every name that the other fits, and only then",
  fc.tuple(topicFilters, topicFilters, topicNames),
  ([filter, other, name]) => {
    const isWhole = witnesses(other).every((witness) => fits(filter, witness));
    assert(witnesses(other).every((witness) => fits(other, witness)));
    assert.equal(isCovered(filter, other), isWhole);
    if (isWhole && fits(other, name)) assert(fits(filter, name));
  },
  1000,
);

property(
  "what is filed under filters is found by exactly the names that fit, and nothing of what is taken away is left",
  fc.tuple(
    fc.array(fc.tuple(topicFilters, fc.nat(3), fc.boolean()), { maxLength: 40, size: "max" }),
    fc.array(topicNames, { minLength: 1, maxLength: 5 }),
  ),
  ([changes, names]) => {
    const tree = new FilterTree<string>();
    const filed = new Map<string, string>();
    for (const [filter, number, isAdded] of changes) {
      const thing = `${filter} ${number}`;
      if (isAdded) {
        tree.add(levelsOf(filter), thing);
        filed.set(thing, filter);
      } else {
        tree.delete(levelsOf(filter), thing);
        filed.delete(thing);
      }
      for (const name of names) {
        const found = [...filed].filter(([, each]) => fits(each, name)).map(([each]) => each);
        assert.deepEqual(tree.fitting(levelsOf(name)).sort(), found.sort());
      }
    }
    for (const [thing, filter] of filed) tree.delete(levelsOf(filter), thing);
    assert(tree.isEmpty);
  },
);

property(
  "a text is a name when it has no wildcard, and a filter when its wildcards are whole levels, # the last",
  fc.array(fc.constantFrom("a", "/", "+", "#", "$", " ", "é", "\0", "\n"), { maxLength: 8 }).map((characters) => characters.join("")),
  (text) => {
    const isText = text !== "" && !/[\0\n]/.test(text);
    assert.equal(topicNameSchema.safeParse(text).success, isText && !/[+#]/.test(text));
    const isWellPlaced = !/[^/][+#]|\+[^/]|#./.test(text);
    assert.equal(topicFilterSchema.safeParse(text).success, isText && isWellPlaced);
  },
  1000,
);
