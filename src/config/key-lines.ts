import { parse } from "smol-toml";

/** In which line of a TOML text each of its keys is, for errors that name it. */
export class KeyLines {
  /** By their paths, as JSON. */
  readonly #offsets = new Map<string, number>();
  readonly #text: string;

  /** @param text that the parser has taken: nothing is checked here again */
  constructor(text: string) {
    this.#text = text;
    new Scanner(text, (path, offset, isItself) => {
      const key = JSON.stringify(path);
      if (isItself || !this.#offsets.has(key)) this.#offsets.set(key, offset);
    }).scan();
  }

  /** How many keys there are. */
  get size(): number {
    return this.#offsets.size;
  }

  /** Whether the text has this key. @param path as the parser's tables have it, places in lists included */
  has(path: readonly string[]): boolean {
    return this.#offsets.has(JSON.stringify(path));
  }

  /**
   * The line of a key, counted from 1. A table is where its own header is, or else where it is first spoken of. For a key that is not
   * there it is the line of the table that it is missing in; null: that is the whole text.
   * @param key as TOML writes it: `pool.cam0.slots`, `pin."gpio-expander:3"`
   */
  lineOf(key: string): number | null {
    for (const path = pathOf(key); path.length > 0; path.pop()) {
      const offset = this.#offsets.get(JSON.stringify(path));
      if (offset !== undefined) return this.#text.slice(0, offset).split("\n").length;
    }
    return null;
  }
}

/** The names that a key as TOML writes it is made of, read by the parser itself. */
function pathOf(key: string): string[] {
  const path: string[] = [];
  for (let table: unknown = parse(`${key} = 0`); typeof table === "object" && table !== null; ) {
    const [[name, value]] = Object.entries(table) as [[string, unknown]];
    path.push(name);
    table = value;
  }
  return path;
}

/**
 * Is told of a key.
 * @param isItself this is what it is given by; false: it is only spoken of, as `pool` is by `[pool.cam0]`
 */
type Found = (path: readonly string[], offset: number, isItself: boolean) => void;

/** Goes through a TOML text from key to key. Values are only passed over. */
class Scanner {
  readonly #text: string;
  readonly #found: Found;
  #at = 0;
  /** The place of the last table of each list of tables, by its path as JSON. */
  readonly #last = new Map<string, number>();

  constructor(text: string, found: Found) {
    this.#text = text;
    this.#found = found;
  }

  scan(): void {
    let table: readonly string[] = [];
    if (this.#text.startsWith("\ufeff")) this.#at = 1;
    for (this.#skipVoid(); this.#at < this.#text.length; this.#skipVoid()) {
      if (this.#text[this.#at] === "[") table = this.#header();
      else this.#keyAndValue(table);
    }
  }

  /** `[pool.cam0]`, `[[camera]]`. @returns the path of the table that begins */
  #header(): readonly string[] {
    const isListed = this.#text.startsWith("[[", this.#at);
    this.#at += isListed ? 2 : 1;
    const offset = this.#at;
    const names = this.#key("]");
    this.#at += isListed ? 2 : 1;
    let path: string[] = [];
    for (const [index, name] of names.entries()) {
      path = [...path, name];
      const isItself = index === names.length - 1;
      this.#found(path, offset, isItself && !isListed);
      const list = JSON.stringify(path);
      if (isItself && isListed) this.#last.set(list, (this.#last.get(list) ?? -1) + 1);
      const place = this.#last.get(list);
      if (place === undefined) continue;
      path = [...path, String(place)];
      this.#found(path, offset, isItself);
    }
    return path;
  }

  /** `slots = 6`, in a table or within braces. */
  #keyAndValue(table: readonly string[]): void {
    const offset = this.#at;
    const names = this.#key("=");
    this.#at += 1;
    for (const length of names.keys()) this.#found([...table, ...names.slice(0, length + 1)], offset, length === names.length - 1);
    this.#value([...table, ...names]);
  }

  #key(end: "=" | "]"): string[] {
    const from = this.#at;
    while (this.#at < this.#text.length && this.#text[this.#at] !== end) this.#pass();
    return pathOf(this.#text.slice(from, this.#at));
  }

  #value(path: readonly string[]): void {
    this.#skipVoid();
    const begin = this.#text[this.#at];
    if (begin === "{") this.#items("}", () => this.#keyAndValue(path));
    else if (begin === "[") {
      this.#items("]", (place) => {
        this.#found([...path, String(place)], this.#at, true);
        this.#value([...path, String(place)]);
      });
    } else {
      do this.#pass();
      while (this.#at < this.#text.length && !/[,\]}#\n]/.test(this.#text[this.#at] as string));
    }
  }

  /** What is within brackets or braces, with commas between. */
  #items(end: "]" | "}", item: (place: number) => void): void {
    this.#at += 1;
    this.#skipVoid();
    for (let place = 0; this.#at < this.#text.length && this.#text[this.#at] !== end; place++) {
      item(place);
      this.#skipVoid();
      if (this.#text[this.#at] === ",") this.#at += 1;
      this.#skipVoid();
    }
    this.#at += 1;
  }

  /** One character, or a text in quotes as a whole. */
  #pass(): void {
    const quote = this.#text[this.#at] as string;
    if (quote !== '"' && quote !== "'") this.#at += 1;
    else if (this.#text.startsWith(quote.repeat(3), this.#at)) this.#passQuoted(quote.repeat(3), quote);
    else this.#passQuoted(quote, quote);
  }

  #passQuoted(end: string, quote: string): void {
    this.#at += end.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) this.#at += this.#isEscape(quote) ? 2 : 1;
    this.#at += end.length;
    // Up to two more quotes before those that end it are its own.
    if (end.length > 1) for (let more = 0; more < 2 && this.#text[this.#at] === quote; more++) this.#at += 1;
  }

  #isEscape(quote: string): boolean {
    return quote === '"' && this.#text[this.#at] === "\\";
  }

  /** Blanks, the ends of lines and comments. */
  #skipVoid(): void {
    const blank = /(?:[ \t\r\n]|#[^\n]*)*/y;
    blank.lastIndex = this.#at;
    blank.exec(this.#text);
    this.#at = blank.lastIndex;
  }
}
