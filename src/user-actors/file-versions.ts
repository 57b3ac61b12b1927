import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";

/** The time of a change is taken from a clock that may be so much behind, in ms: a tick of the kernel. */
const TICK_MS = 10;

let unsettled = 0;

/**
 * What tells whether files have changed: what they say, and not when it was written. What is written while they are being loaded may have been
 * loaded or not, so it is a version that no later one equals.
 */
export const fileVersions = {
  begin(): (files: readonly string[]) => string {
    const beganMs = Date.now();
    return (files) => {
      const hash = createHash("sha1");
      for (const file of files) hash.update(`${file}\0`).update(contentOf(file, beganMs)).update("\0");
      return hash.digest("base64");
    };
  },
};

function contentOf(file: string, beganMs: number): Uint8Array {
  try {
    const content = readFileSync(file);
    return statSync(file).mtimeMs > beganMs - TICK_MS ? Buffer.from(`${++unsettled}`) : content;
  } catch {
    return Buffer.from("missing");
  }
}
