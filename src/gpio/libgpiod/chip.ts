import { constants } from "node:os";
import type { ChipInfo, LineGroupId, LineId, LineInfo } from "../backend.ts";
import { offsetsOf } from "../backend.ts";
import { lineError } from "../chardev/errno.ts";
import { chipNumber } from "../chardev/nodes.ts";
import type { Libgpiod, NativeBulk, NativeChip, NativeLine } from "./addon.ts";

/**
 * Everything that was ever made of the addon's. What V8 collects it gives back to libgpiod, in any order: a line behind its chip, whose memory is
 * freed by then, and an old object of a line that another one has requested since. So nothing is collected, and of each line and group there
 * is one object.
 */
const kept: object[] = [];

/** The open device of a chip. It stays open, which keeps no line, until the process ends. */
export class LibgpiodChip {
  readonly #addon: Libgpiod;
  readonly #path: string;
  readonly #chip: NativeChip;
  readonly #lines: readonly NativeLine[];
  readonly #bulks = new Map<string, NativeBulk>();

  /** @throws Error with the kernel's `errno` */
  constructor(addon: Libgpiod, path: string) {
    this.#addon = addon;
    this.#path = path;
    // By its number: of a path libgpiod first asks all chips whether it is their label.
    this.#chip = keep(new addon.Chip(chipNumber(path)));
    this.#lines = Array.from({ length: this.#chip.numberOfLines }, (_, offset) => keep(new addon.Line(this.#chip, offset)));
  }

  /** The chip and its lines, asked for anew. @throws Error with the kernel's `errno` */
  describe(): ChipInfo {
    return { path: this.#path, label: this.#chip.label, lines: this.#lines.map((_, offset) => this.#describe(offset)) };
  }

  /** The line that somebody has, of these; undefined: none, or the kernel does not say. */
  busy(offsets: readonly number[]): LineInfo | undefined {
    try {
      return offsets.map((offset) => this.#describe(offset)).find(({ used }) => used);
    } catch {
      return undefined;
    }
  }

  /** The object of a line, or of a group. @throws HoldfastError `LINE_UNSUPPORTED`: there is no such line; Error with the kernel's `errno` */
  bulk(id: LineId | LineGroupId): NativeBulk {
    const offsets = offsetsOf(id);
    // The addon would make an object of the lines before the wrong one, and crash over it later.
    if (offsets.some((offset) => offset >= this.#lines.length)) throw lineError(constants.errno.EINVAL, "request", id);
    const key = offsets.join(",");
    const bulk = this.#bulks.get(key) ?? keep(new this.#addon.Bulk(this.#chip, [...offsets]));
    this.#bulks.set(key, bulk);
    return bulk;
  }

  #describe(offset: number): LineInfo {
    const line = this.#lines[offset] as NativeLine;
    line.update();
    const { name = null, consumer = null, used } = line;
    return { offset, name, used, consumer: used ? consumer : null };
  }
}

function keep<T extends object>(made: T): T {
  kept.push(made);
  return made;
}
