import { commonLevel, eachLevel, type Levels } from "../gpio/levels.ts";
import type { Level } from "../protocol/requests.ts";

/** Levels as replies tell them: those of a group one by one, too, and in common only if they agree. */
export function toldLevels(levels: Levels, lines: number): { readonly level: Level | null; readonly levels?: Level[] } {
  return { level: commonLevel(levels), ...(lines > 1 && { levels: eachLevel(levels, lines) }) };
}

/** The same, of a pin that may be closed or play a wave. */
export function toldIfSteady(levels: Levels | null, lines: number): { readonly level: Level | null; readonly levels?: Level[] | null } {
  return levels === null ? { level: null, ...(lines > 1 && { levels: null }) } : toldLevels(levels, lines);
}
