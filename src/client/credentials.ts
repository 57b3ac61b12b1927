import { readFileSync } from "node:fs";
import { HoldfastError } from "../protocol/errors.ts";

/** By what a client on the network knows its supervisor, and is known to it. Nothing of it is for a Unix socket, where the kernel says who is who. */
export interface Credentials {
  /** Shows which rights the client has. Default: `HOLDFAST_TOKEN`. */
  readonly token?: string | undefined;
  /**
   * The authorities (PEM) of which one must have signed the supervisor's certificate, which must be for the host that is dialled.
   * Default: the file that `HOLDFAST_CA` names, else the authorities that this system trusts.
   */
  readonly ca?: string | undefined;
  /**
   * The SHA-256 of the supervisor's certificate, 64 hexadecimal digits with or without colons. This certificate is trusted and no other, whoever has
   * signed it and for whatever host. Default: `HOLDFAST_FINGERPRINT`.
   */
  readonly fingerprint?: string | undefined;
  /** This client's own certificate and its key (PEM), where the supervisor asks for one. Default: the files that `HOLDFAST_CERTIFICATE` and `HOLDFAST_KEY` name. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

/** Those that a program names, and those of the environment for what it does not. @throws HoldfastError `BAD_FIELD` for a file that can't be read */
export function credentialsOf({ token, ca, fingerprint, certificate, key }: Credentials): Credentials {
  const { HOLDFAST_TOKEN, HOLDFAST_FINGERPRINT } = process.env;
  return {
    token: token ?? (HOLDFAST_TOKEN || undefined),
    ca: ca ?? fileOf("HOLDFAST_CA"),
    fingerprint: fingerprint ?? (HOLDFAST_FINGERPRINT || undefined),
    certificate: certificate ?? fileOf("HOLDFAST_CERTIFICATE"),
    key: key ?? fileOf("HOLDFAST_KEY"),
  };
}

function fileOf(variable: string): string | undefined {
  const path = process.env[variable];
  if (!path) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HoldfastError("BAD_FIELD", `${variable}: ${(cause as Error).message}`, { field: variable, path }, { cause });
  }
}

/** A fingerprint in the form in which two can be compared. @throws HoldfastError `BAD_FIELD` */
export function comparable(fingerprint: string): string {
  const digits = fingerprint.replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new HoldfastError("BAD_FIELD", "fingerprint: must be a SHA-256, 64 hexadecimal digits", { field: "fingerprint" });
}
