/** Digits of 3 by 5 squares, from the top left; `#` is bright. */
const shapes: readonly (readonly string[])[] = [
  ["###", "#.#", "#.#", "#.#", "###"],
  [".#.", "##.", ".#.", ".#.", "###"],
  ["###", "..#", "###", "#..", "###"],
  ["###", "..#", ".##", "..#", "###"],
  ["#.#", "#.#", "###", "..#", "..#"],
  ["###", "#..", "###", "..#", "###"],
  ["###", "#..", "###", "#.#", "###"],
  ["###", "..#", ".#.", ".#.", ".#."],
  ["###", "#.#", "###", "#.#", "###"],
  ["###", "#.#", "###", "..#", "###"],
];

/** Columns and lines of squares of one digit, and the dark edge on each side. */
const DIGIT_COLUMNS = 3;
const DIGIT_LINES = 5;
const EDGE = 1;

/** How many digits are drawn: at 30 frames a second they last for a month. */
const MOST_DIGITS = 8;

/** Where a number stands in a picture, in pixels. */
export interface NumberPlate {
  readonly left: number;
  readonly top: number;
  /** The side of one square. */
  readonly side: number;
  readonly digits: number;
  /** Of squares. */
  readonly columns: number;
  readonly lines: number;
}

const columnsOf = (digits: number) => digits * (DIGIT_COLUMNS + EDGE) + EDGE;
const LINES = DIGIT_LINES + 2 * EDGE;

/**
 * The place for a number in the middle of a picture: as large as fits, with as many digits as fit. Null: the picture is too small for one.
 * All measures are even where the squares are larger than a pixel, so that no two of them share a sample of colour.
 */
export function numberPlate(pictureWidth: number, pictureHeight: number): NumberPlate | null {
  const digits = Math.min(MOST_DIGITS, Math.floor((pictureWidth - EDGE) / (DIGIT_COLUMNS + EDGE)));
  if (digits < 1 || pictureHeight < LINES) return null;
  const columns = columnsOf(digits);
  const largest = Math.floor(Math.min(pictureWidth / columns, pictureHeight / LINES));
  const side = largest === 1 ? 1 : largest - (largest % 2);
  const middle = (whole: number, part: number) => Math.floor((whole - part) / 4) * 2;
  return { left: middle(pictureWidth, columns * side), top: middle(pictureHeight, LINES * side), side, digits, columns, lines: LINES };
}

/** Whether a square of the plate is bright: of the digits that there is room for, the last ones are shown. */
export function isBright(number: number, digits: number, column: number, line: number): boolean {
  const text = String(number).padStart(digits, "0").slice(-digits);
  const shape = shapes[Number(text[Math.floor(column / (DIGIT_COLUMNS + EDGE))])];
  return shape?.[line - EDGE]?.[(column % (DIGIT_COLUMNS + EDGE)) - EDGE] === "#";
}
