import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { FileFailed } from "../failure.ts";
import { escaped, identifier, remark } from "./vcd-words.ts";

/**
 * A write that stays within a page of the kernel's is done as a whole or not at all, whatever becomes of this process: it is between pages that a
 * write looks whether the process has been killed.
 */
const PAGE_BYTES = 4096;

/** The room for remarks, and for variables that come later and what they were before: some 700. */
const REMARKS_BYTES = PAGE_BYTES;
const DECLARATIONS_BYTES = 12 * PAGE_BYTES;
const INITIAL_BYTES = 4 * PAGE_BYTES;

/** A variable of the file. */
export interface Variable {
  readonly id: string;
  readonly type: "wire" | "string" | "real";
  /** As it was set last. */
  value: Value;
}

/** What a variable can be: of a wire `0`, `1`, `x` for unknown or `z` for nobody drives it. */
export type Value = string | number;

/**
 * A value change dump (IEEE 1364-2005, section 18), with GTKWave's `string` beside the standard's types. It is written as it goes, and can be read at
 * any instant, also when this process was killed. Variables may come at any time: the format wants them all at the top, where room is kept for them.
 */
export class VcdFile {
  readonly #file: File;
  readonly #remarks: Area;
  readonly #declarations: Area;
  readonly #initial: Area;
  #end: number;
  #waiting: string[] = [];
  #variables = 0;
  #timeUs = 0;

  /**
   * Begins the file, in the place of what was there.
   * @throws FileFailed when that can't be written, or is a pipe
   */
  constructor(path: string) {
    this.#file = new File(path);
    const top = page("$version holdfast $end\n$timescale 1 us $end\n");
    this.#remarks = new Area(this.#file, top.length, REMARKS_BYTES);
    this.#declarations = new Area(this.#file, this.#remarks.end, DECLARATIONS_BYTES);
    const middle = page("$enddefinitions $end\n#0\n$dumpvars\n");
    this.#initial = new Area(this.#file, this.#declarations.end + middle.length, INITIAL_BYTES);
    const text = `${top}${blank(REMARKS_BYTES + DECLARATIONS_BYTES)}${middle}${blank(INITIAL_BYTES)}${page("$end\n")}`;
    this.#file.write(text, 0);
    this.#end = text.length;
  }

  /**
   * Adds a variable, which has been `initial` since the beginning.
   * @param scope a word for all of its kind
   * @returns null: there is no room for it any more
   */
  declare(scope: string, name: string, type: Variable["type"], initial: Value): Variable | null {
    const variable: Variable = { id: `v${this.#variables}`, type, value: initial };
    const width = type === "real" ? 64 : 1;
    const line = `$scope module ${identifier(scope)} $end\n$var ${type} ${width} ${variable.id} ${identifier(name)} $end\n$upscope $end\n`;
    if (!this.#declarations.fits(line) || !this.#initial.fits(change(variable))) return null;
    this.#declarations.add(line);
    this.#initial.add(change(variable));
    this.#variables += 1;
    return variable;
  }

  /**
   * Adds a remark; left out when there is no room for it. It stands at the top too, whatever time it is about: among the values sigrok up to 0.5.2
   * takes it for the end.
   */
  remark(text: string): void {
    const line = `$comment ${remark(text)} $end\n`;
    if (this.#remarks.fits(line)) this.#remarks.add(line);
  }

  /** From now on it is so late. Time never goes back: an earlier one is now. @param timeUs since the beginning */
  advance(timeUs: number): void {
    if (timeUs <= this.#timeUs) return;
    this.#timeUs = timeUs;
    this.#waiting.push(`#${timeUs}\n`);
  }

  /** Time goes on. @param us for how long */
  elapse(us: number): void {
    this.advance(this.#timeUs + us);
  }

  /** From now on a variable is so. Nothing is written where it was so already. */
  set(variable: Variable, value: Value): void {
    if (variable.value === value) return;
    variable.value = value;
    this.#waiting.push(change(variable));
  }

  /** Writes what has been said. */
  flush(): void {
    let written = "";
    const write = () => {
      this.#file.write(written, this.#end);
      this.#end += written.length;
      written = "";
    };
    for (const entry of this.#waiting) {
      const left = PAGE_BYTES - ((this.#end + written.length) % PAGE_BYTES);
      if (entry.length > left) {
        written += blank(left);
        write();
      }
      written += entry;
    }
    if (written !== "") write();
    this.#waiting = [];
  }

  close(): void {
    this.flush();
    this.#file.close();
  }
}

/** Blank room in the file, which fills with lines. None crosses a page. */
class Area {
  readonly #file: File;
  readonly end: number;
  #at: number;

  constructor(file: File, start: number, bytes: number) {
    this.#file = file;
    this.#at = start;
    this.end = start + bytes;
  }

  fits(line: string): boolean {
    return line.length <= PAGE_BYTES && this.#placeOf(line) + line.length <= this.end;
  }

  add(line: string): void {
    const place = this.#placeOf(line);
    this.#file.write(line, place);
    this.#at = place + line.length;
  }

  #placeOf(line: string): number {
    const left = PAGE_BYTES - (this.#at % PAGE_BYTES);
    return line.length <= left ? this.#at : this.#at + left;
  }
}

/** A regular file that is written anywhere. */
class File {
  readonly #path: string;
  readonly #descriptor: number;

  constructor(path: string) {
    this.#path = path;
    this.#descriptor = this.#try(() =>
      openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK, 0o666),
    );
    if (fstatSync(this.#descriptor).isFile()) return;
    closeSync(this.#descriptor);
    throw new FileFailed(`${path} is no regular file: what comes later is written at its top too`);
  }

  write(text: string, place: number): void {
    const bytes = Buffer.from(text, "latin1");
    for (let done = 0; done < bytes.length; ) {
      done += this.#try(() => writeSync(this.#descriptor, bytes, done, bytes.length - done, place + done));
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #try<T>(act: () => T): T {
    try {
      return act();
    } catch (cause) {
      throw new FileFailed(`${this.#path} can't be written`, cause);
    }
  }
}

function change({ id, type, value }: Variable): string {
  if (type === "wire") return `${value}${id}\n`;
  return type === "real" ? `r${value} ${id}\n` : `s${escaped(String(value))} ${id}\n`;
}

/** What separates words, in lines that no reader finds too long. */
function blank(bytes: number): string {
  return `${" ".repeat(79)}\n`
    .repeat(Math.ceil(bytes / 80))
    .slice(0, bytes)
    .replace(/.$/s, "\n");
}

/** Text that takes a page. */
function page(text: string): string {
  return text + blank(PAGE_BYTES - text.length);
}
