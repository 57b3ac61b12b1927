import { z } from "zod";
import { MAX_TOPIC_LENGTH, MAX_TOPIC_LEVELS } from "./limits.ts";

/** The name of a topic, or a filter of names, cut at its `/`. */
export type TopicLevels = readonly string[];

/** Cuts a name or a filter at its separators. A level may be empty: `/door` has two. */
export function levelsOf(topic: string): TopicLevels {
  return topic.split("/");
}

/** Stands for one level, whatever it is. */
export const ANY_LEVEL = "+";
/** Stands for all levels from here on, also for none: `door/#` is `door` too. */
export const ALL_LEVELS = "#";

/** Whether only a filter that says so itself means the names that begin so: one that begins with a wildcard does not ([MQTT-4.7.2-1]). */
export function isHidden([first = ""]: TopicLevels): boolean {
  return first.startsWith("$");
}

/**
 * Whether a filter means every name that another one means. Of a name, which is a filter without wildcards: whether the filter fits it.
 * The rules are those of MQTT 5.0, section 4.7 (docs/topics.md). How long names may be is not considered.
 */
export function covers(filter: TopicLevels, other: TopicLevels): boolean {
  if (isHidden(other) && (filter[0] === ANY_LEVEL || filter[0] === ALL_LEVELS)) return false;
  for (const [index, level] of filter.entries()) {
    if (level === ALL_LEVELS) return true;
    if (index >= other.length) return false;
    // There is no name without a level, so `+/#` is as much as `#`. Anywhere else `+` needs a level more.
    if (other[index] === ALL_LEVELS) return index === 0 && level === ANY_LEVEL && filter[1] === ALL_LEVELS;
    if (level !== ANY_LEVEL && level !== other[index]) return false;
  }
  return filter.length === other.length;
}

/** MQTT 5.0, sections 1.5.4 and 4.7.3: no halves of surrogate pairs, no NUL, and no control characters, which a server may refuse. */
const text = z
  .string()
  .min(1)
  .max(MAX_TOPIC_LENGTH)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters")
  .refine((topic) => levelsOf(topic).length <= MAX_TOPIC_LEVELS, `must have at most ${MAX_TOPIC_LEVELS} levels`);

/** The name of a topic. */
export const topicNameSchema = text
  .regex(/^[^+#]*$/, "must not hold + or #, which are for filters")
  .describe("levels with / between them; no + or #, no control characters");

/** What names of topics a subscription, or a right, is for ([MQTT-4.7.1-1], [MQTT-4.7.1-2]). */
export const topicFilterSchema = text
  .refine(isFilter, "may have + only as a whole level, and # only as the last one")
  .describe("a name, or one with wildcards: + for one level, # at the end for all that follow");

function isFilter(topic: string): boolean {
  const levels = levelsOf(topic);
  return levels.every(
    (level, index) => level === ANY_LEVEL || (level === ALL_LEVELS && index === levels.length - 1) || !/[+#]/.test(level),
  );
}
