import { HoldfastError } from "../protocol/errors.ts";
import { TCP_PORT } from "../protocol/listen.ts";

/** Where a supervisor is: at a socket of this machine, or on the network, with TLS or without. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly encrypted: boolean };

/** The schemes, and whether what goes there is encrypted. Nobody comes to speak in the clear by leaving something out. */
const schemes: Readonly<Record<string, boolean>> = { "holdfast:": true, "holdfast+tcp:": false };

const FORMS = "unix:/path, holdfast://host:port, or without TLS holdfast+tcp://host:port";

/**
 * Where a URL leads: `unix:/run/holdfast/holdfast.sock`, `holdfast://pi.local`, `holdfast://[fe80::1]:8510`, `holdfast+tcp://127.0.0.1`.
 * @throws HoldfastError `BAD_FIELD` with the `field` url; the text itself is not told, for there may be a secret in it
 */
export function parseAddress(url: string): Address {
  if (url.startsWith("unix:/")) return { kind: "unix", path: url.slice("unix:".length).replace(/^\/+/, "/") };
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const encrypted = parsed === null ? undefined : schemes[parsed.protocol];
  if (parsed === null || encrypted === undefined || parsed.hostname === "") throw mistake(`is written ${FORMS}`);
  const { username, password, pathname, search, hash, hostname, port } = parsed;
  if (username !== "" || password !== "") throw mistake("is no place for a token: HOLDFAST_TOKEN is, or a file");
  if (!["", "/"].includes(pathname) || search !== "" || hash !== "") throw mistake("ends with the port");
  return { kind: "tcp", host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? TCP_PORT : Number(port), encrypted };
}

/** An address as a person reads it: a path, or a URL. */
export function addressInWords(address: Address): string {
  if (address.kind === "unix") return address.path;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${address.encrypted ? "holdfast" : "holdfast+tcp"}://${host}:${address.port}`;
}

function mistake(message: string): HoldfastError {
  return new HoldfastError("BAD_FIELD", `url: the address of a supervisor ${message}`, { field: "url" });
}
