import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** As many as nobody can try, in bytes. */
const SECRET_BYTES = 32;

/** Shows what it is, to people and to programs that look for secrets in the wrong places. */
const PREFIX = "hf_";

/** A new token, which nobody can guess. */
export function newToken(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString("base64url");
}

/** What the configuration says of a token: enough to know it again, not enough to have it. */
export function digestOf(token: string): string {
  return `sha256:${createHash("sha256").update(token).digest("hex")}`;
}

/** Whether these are the same. How long that takes says nothing of where they differ. */
export function isSameDigest(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
