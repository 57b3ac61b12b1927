import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { PeerCertificate, TLSSocket, TlsOptions } from "node:tls";
import { badConfig } from "../../protocol/assert-config.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { TcpSettings } from "../../protocol/listen.ts";
import type { Log } from "../../supervisor/surroundings.ts";

const begin = /-----BEGIN CERTIFICATE-----/;

/**
 * What the settings of a listener say of TLS, read and found to fit together; null: it has none. A certificate that is not good today is
 * no reason not to start, for the clock of a board may have yet to be set: the log is told.
 * @param table of the configuration that says so: `listen.tcp`
 * @throws HoldfastError `BAD_CONFIG` with the `key` of a file that is missing, may not be read, is no PEM, or does not fit the other
 */
export function tlsOptions({ certificate, key, clientCertificates }: TcpSettings, table: string, log: Log): TlsOptions | null {
  if (certificate === undefined || key === undefined) return null;
  const chain = read(certificate, `${table}.certificate`);
  const first = parsed(certificate, `${table}.certificate`, "certificate", () => new X509Certificate(pem(chain)));
  const secret = read(key, `${table}.key`);
  const privateKey = parsed(key, `${table}.key`, "private key", () => createPrivateKey(secret));
  if (!first.checkPrivateKey(privateKey)) throw badConfig(`${table}.key`, `${key} is not the key of ${certificate}`);
  const { validFrom, validTo } = first;
  if (Date.now() < Date.parse(validFrom) || Date.now() > Date.parse(validTo)) {
    log.warn({ certificate, validFrom, validTo }, "the certificate is not good today, and no client will trust it");
  }
  const options: TlsOptions = { cert: chain, key: secret, minVersion: "TLSv1.2" };
  if (clientCertificates === undefined) return options;
  const authorities = read(clientCertificates, `${table}.clientCertificates`);
  parsed(clientCertificates, `${table}.clientCertificates`, "certificate", () => new X509Certificate(pem(authorities)));
  // Who shows none, or a wrong one, is refused in words: see `certifiedName`.
  return { ...options, ca: authorities, requestCert: true, rejectUnauthorized: false };
}

/**
 * The common name in the certificate that a client had to show; undefined: it has none.
 * @throws HoldfastError `FORBIDDEN` without one that an authority of the listener has signed
 */
export function certifiedName(socket: TLSSocket): string | undefined {
  // A session that is resumed without a certificate counts as authorized in Node: nothing was wrong with the one that there was not.
  const shown: { readonly subject?: PeerCertificate["subject"] } = socket.getPeerCertificate();
  if (!socket.authorized || shown.subject === undefined) {
    const { authorizationError: error } = socket;
    const reason = shown.subject === undefined ? "there is none" : error instanceof Error ? error.message : String(error);
    throw new HoldfastError("FORBIDDEN", `a certificate of an authority that this supervisor trusts is needed here: ${reason}`, {});
  }
  const { CN } = shown.subject;
  return typeof CN === "string" ? CN : undefined;
}

/** X509Certificate takes DER as well, which TLS then does not. */
function pem(text: string): string {
  if (!begin.test(text)) throw new Error("it has no BEGIN CERTIFICATE");
  return text;
}

function read(path: string, key: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw badConfig(key, `there is no file ${path}`);
    throw badConfig(key, code === "EACCES" ? `${path} may not be read by this user` : `${path} can't be read: ${message}`);
  }
}

function parsed<T>(path: string, key: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new HoldfastError("BAD_CONFIG", `${key}: ${path} is no ${what} in PEM: ${(error as Error).message}`, { key }, { cause: error });
  }
}
