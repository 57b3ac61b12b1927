import { HoldfastError } from "../protocol/errors.ts";
import { didYouMean, similarNames } from "../protocol/similar-names.ts";
import type { ChipInfo, LineId } from "./backend.ts";
import { boardPinOf, headerChips, headerPins } from "./boards.ts";

/** A line and what it is called. There is one NamedLine for a line, so two names of one pin resolve to the same object. */
export interface NamedLine {
  readonly id: LineId;
  /**
   * The canonical name: `GPIO<n>` on a header, else the line's own name, else `label:offset`; the first of these that
   * means no other line. Without any it is `path:offset`, which always leads to the line but may lead to another one
   * after the next start.
   */
  readonly pin: string;
  /** `label:offset`. */
  readonly line: string;
  /** Every name that resolves to this line, the canonical one first; `path:offset` only where it is that. */
  readonly names: readonly string[];
}

const foldable = /^(?:gpio|board)\d+$/i;

/** `gpio17` as `GPIO17`; every other name is exact. */
function fold(name: string): string {
  return foldable.test(name) ? name.toUpperCase() : name;
}

/** `path:offset`. */
function placeOf({ chip, offset }: LineId): string {
  return `${chip}:${offset}`;
}

/** Whether a line is called so: in capitals or not where that is the same, or by the path of its chip. */
export function isCalled({ names, id }: NamedLine, name: string): boolean {
  return names.includes(name) || names.includes(fold(name)) || placeOf(id) === name;
}

/** A line's names in the order of preference for the canonical one; `17` and `BOARD11` are never canonical. */
function namesOf(label: string, offset: number, name: string | null): { readonly preferred: string[]; readonly others: string[] } {
  const boardPin = headerChips.has(label) ? boardPinOf.get(offset) : undefined;
  const own = name === null || name === "" ? [] : [fold(name)];
  const preferred = [...own, `${label}:${offset}`];
  return boardPin === undefined
    ? { preferred, others: [] }
    : { preferred: [`GPIO${offset}`, ...preferred], others: [`${offset}`, `BOARD${boardPin}`] };
}

/** The names of all lines of a machine. Built once for a list of chips; a chip that comes or goes needs a new one. */
export class PinNames {
  readonly #lines: readonly NamedLine[];
  readonly #byName = new Map<string, NamedLine & { readonly names: string[] }>();
  /** Names that fit several lines, with those. */
  readonly #ambiguous = new Map<string, readonly NamedLine[]>();
  readonly #hasHeader: boolean;
  /** The most `+` that a name has: the names of a group's lines stand between those. */
  readonly mostPluses: number;

  /**
   * @param aliases further names, with what they stand for. They win over the lines' own names, so that what they mean does not change when
   *   another chip comes
   */
  constructor(chips: readonly ChipInfo[], aliases: ReadonlyMap<string, string> = new Map()) {
    this.#hasHeader = chips.some(({ label }) => headerChips.has(label));
    const drafts = chips.flatMap(({ path, label, lines }) =>
      lines.map(({ offset, name }) => ({ id: { chip: path, offset }, line: `${label}:${offset}`, ...namesOf(label, offset, name) })),
    );
    const uses = new Map<string, number>();
    for (const { id, preferred, others } of drafts) {
      for (const name of new Set([...preferred, ...others, placeOf(id)])) uses.set(name, (uses.get(name) ?? 0) + 1);
    }
    const unique = (name: string) => uses.get(name) === 1 && !aliases.has(name);
    const lines = drafts.map(({ id, line, preferred, others }) => {
      const all = [...new Set([...preferred, ...others])];
      const pin = preferred.find(unique) ?? placeOf(id);
      const named = { id, pin, line, names: [...new Set([pin, ...all.filter(unique)])] };
      for (const name of all) {
        if (unique(name)) this.#byName.set(name, named);
        else this.#ambiguous.set(name, [...(this.#ambiguous.get(name) ?? []), named]);
      }
      return named;
    });
    this.#lines = lines;
    this.mostPluses = [...uses.keys()].reduce((most, name) => Math.max(most, name.split("+").length - 1), 0);
    // The last resort, so that every line can be meant: it leads to its line whatever another one is called.
    for (const named of lines) this.#byName.set(placeOf(named.id), named);
    for (const [alias, name] of aliases) {
      const named = this.#byName.get(name) ?? this.#byName.get(fold(name));
      named?.names.push(alias);
      if (named !== undefined) this.#byName.set(alias, named);
    }
  }

  /** The line at a place; undefined: its chip is not there. */
  at(id: LineId): NamedLine | undefined {
    return this.#byName.get(placeOf(id));
  }

  /** Every line of every chip, in the order of the chips. */
  all(): readonly NamedLine[] {
    return this.#lines;
  }

  /**
   * The line that `name` means: `GPIO17`, `17`, `BOARD11`, a line's own name, `label:offset` or `path:offset`.
   * @throws HoldfastError `PIN_UNKNOWN`, with the nearest names in `nearest`; `PIN_AMBIGUOUS`, with `candidates`
   */
  resolve(name: string): NamedLine {
    return this.find(name) ?? this.#refuse(name);
  }

  /** The same; undefined where `resolve` throws. */
  find(name: string): NamedLine | undefined {
    return this.#byName.get(name) ?? this.#byName.get(fold(name));
  }

  /** Every line that `name` may mean: one, none, or several where it is ambiguous. */
  fitting(name: string): readonly NamedLine[] {
    const found = this.find(name);
    return found === undefined ? (this.#ambiguous.get(fold(name)) ?? []) : [found];
  }

  /** Whether a chip that is not there might bring a line of this name. What is on a header or chip that is there will not change. */
  mayAppear(name: string): boolean {
    if (foldable.test(name) || /^\d+$/.test(name)) return !this.#hasHeader;
    const label = /^(.+):\d+$/.exec(name)?.[1];
    return label === undefined || !this.#lines.some(({ line, id }) => line.startsWith(`${label}:`) || id.chip === label);
  }

  #refuse(name: string): never {
    const folded = fold(name);
    const fitting = this.#ambiguous.get(folded);
    throw fitting === undefined ? this.#unknown(name, folded) : this.#ambiguity(name, fitting);
  }

  #ambiguity(name: string, fitting: readonly NamedLine[]): HoldfastError {
    const candidates = fitting.map(({ id, line }) => (this.#ambiguous.has(line) ? placeOf(id) : line));
    return new HoldfastError("PIN_AMBIGUOUS", `"${name}" may be any of ${candidates.join(", ")}`, { field: "pin", candidates });
  }

  #unknown(name: string, folded: string): HoldfastError {
    const board = /^BOARD(\d+)$/.exec(folded)?.[1];
    if (board !== undefined) return new HoldfastError("PIN_UNKNOWN", this.#whyNoLine(name, Number(board)), { field: "pin" });
    const nearest = similarNames(folded, this.#byName.keys());
    return new HoldfastError("PIN_UNKNOWN", `no line is called "${name}"${didYouMean(nearest)}`, { field: "pin", nearest });
  }

  #whyNoLine(name: string, boardPin: number): string {
    if (!this.#hasHeader) return `${name} is a place on a 40-pin header, and no chip here is known to carry one`;
    const what = headerPins.get(boardPin);
    if (what === undefined) return `there is no ${name}: the header has the pins BOARD1 to BOARD${headerPins.size}`;
    if (typeof what === "string") return `${name} is a ${what} pin, not a line`;
    return `${name} is GPIO${what}, which the chip of this machine does not have`;
  }
}
