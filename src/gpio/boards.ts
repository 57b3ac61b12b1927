/** The 40-pin header of the Raspberry Pi boards: which chips carry it, and what its pins are. */

/** Labels of the chips whose lines 0 to 27 are the header's GPIO0 to GPIO27; the last is the simulated one. */
export const headerChips: ReadonlySet<string> = new Set(["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1", "holdfast-sim"]);

/** A pin of the header that is no line. */
export type SupplyPin = "3V3 power" | "5V power" | "ground";

/** The header as it lies on the board: two rows, pins 1 and 2 at the top. A number is a GPIO number and the line's offset. */
const rows: readonly (readonly [number | SupplyPin, number | SupplyPin])[] = [
  ["3V3 power", "5V power"],
  [2, "5V power"],
  [3, "ground"],
  [4, 14],
  ["ground", 15],
  [17, 18],
  [27, "ground"],
  [22, 23],
  ["3V3 power", 24],
  [10, "ground"],
  [9, 25],
  [11, 8],
  ["ground", 7],
  [0, 1],
  [5, "ground"],
  [6, 12],
  [13, "ground"],
  [19, 16],
  [26, 20],
  ["ground", 21],
];

/** What each pin of the header is, by its number on the board (1 to 40): a GPIO number, which is also the line's offset, or a supply. */
export const headerPins: ReadonlyMap<number, number | SupplyPin> = new Map(rows.flat().map((what, index) => [index + 1, what]));

/** The number on the board of the pin that carries each GPIO number. */
export const boardPinOf: ReadonlyMap<number, number> = new Map(
  [...headerPins].flatMap(([pin, what]) => (typeof what === "number" ? [[what, pin] as const] : [])),
);
