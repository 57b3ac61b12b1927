/** What may not be in a name: a dot is a level of the tree for GTKWave and PulseView, a colon part of a range for GTKWave, and blanks end a word. */
const notInNames = /[^\w/=+@-]/g;

/** A name as one word. */
export function identifier(name: string): string {
  return name.replace(notInNames, "_");
}

/** Text as one word, with the escapes of C, which GTKWave shows as what they stand for. No such word begins a remark or ends one. */
export function escaped(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`))
    .join("");
}

const [SPACE, TILDE, BACKSLASH, DOLLAR] = [0x20, 0x7e, 0x5c, 0x24];

function isPlain(byte: number): boolean {
  return byte > SPACE && byte <= TILDE && byte !== BACKSLASH && byte !== DOLLAR;
}

/** Text for a remark, which nothing in it ends. */
export function remark(text: string): string {
  return text.replace(/[^ -#%-~]/g, "_");
}
