import { connect as dial, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as dialTls, type TLSSocket } from "node:tls";
import { HoldfastError } from "../protocol/errors.ts";
import { type Address, addressInWords } from "./address.ts";
import { type Credentials, comparable } from "./credentials.ts";
import type { Dial } from "./link.ts";
import { connectionFailed, linkOver } from "./socket-link.ts";

type TcpAddress = Address & { readonly kind: "tcp" };

/** How long a supervisor may take to answer on the network, TLS included, in ms. */
const PATIENCE_MS = 10_000;

/** Where nothing answers, as a person would say it. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name of the host can't be looked up",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ETIMEDOUT: "it does not answer",
};

/**
 * A link over the network. With TLS the supervisor's certificate must be the one of `fingerprint`, or else signed by an authority that is trusted, and
 * be for the host.
 * @throws HoldfastError `NOT_RUNNING`, `TLS_FAILED`, `BAD_FIELD` for a fingerprint that is none
 */
export function overTcp(address: TcpAddress, credentials: Credentials): Dial {
  const where = addressInWords(address);
  const pinned = credentials.fingerprint === undefined ? null : comparable(credentials.fingerprint);
  return (listener) =>
    new Promise((resolve, reject) => {
      let reached = false;
      const socket = address.encrypted ? secureSocket(address, credentials, pinned !== null) : dial(address.port, address.host);
      const refuse = (error: HoldfastError) => {
        clearTimeout(impatience);
        socket.destroy();
        reject(error);
      };
      const impatience = setTimeout(() => refuse(notRunning(where, `it has not answered in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
      const refused = (error: NodeJS.ErrnoException) =>
        refuse(reached ? tlsFailed(where, error) : notRunning(where, reasons[error.code ?? ""] ?? error.message));
      const ended = () => refuse(tlsFailed(where, new Error("the other side has ended the connection")));
      socket.on("error", refused);
      socket.once("connect", () => {
        reached = true;
        socket.once("close", ended);
      });
      socket.once(address.encrypted ? "secureConnect" : "connect", () => {
        if (pinned !== null && address.encrypted && fingerprintOf(socket) !== pinned) {
          return refuse(tlsFailed(where, new Error("its certificate has another fingerprint than the one that is trusted")));
        }
        clearTimeout(impatience);
        socket.off("error", refused);
        socket.off("close", ended);
        socket.setNoDelay(true);
        socket.setKeepAlive(true);
        resolve(linkOver(socket, listener, (error) => failureOf(error, address)));
      });
    });
}

/** @throws HoldfastError `TLS_FAILED` for an authority, a certificate or a key that is none */
function secureSocket(address: TcpAddress, { ca, certificate, key }: Credentials, isPinned: boolean): Socket {
  const { host, port } = address;
  const options: ConnectionOptions = {
    host,
    port,
    minVersion: "TLSv1.2",
    // With a fingerprint the certificate is compared as soon as it is there, before anything is sent.
    rejectUnauthorized: !isPinned,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
  };
  try {
    return dialTls(options);
  } catch (error) {
    throw tlsFailed(addressInWords(address), new Error(`what was given of certificates and keys is no PEM: ${(error as Error).message}`));
  }
}

/**
 * Why a connection has ended that was made. It may be TLS all the same: a client's own certificate is refused only then in TLS 1.3, and what a
 * peer with TLS answers to a client without is read as the length of a message, far too long.
 */
function failureOf(error: Error, address: TcpAddress): HoldfastError {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code.startsWith("ERR_SSL_")) return tlsFailed(addressInWords(address), error);
  if (code !== "LIMIT_MESSAGE" || address.encrypted) return connectionFailed(error);
  const encrypted = addressInWords({ ...address, encrypted: true });
  return tlsFailed(addressInWords(address), new Error(`what answers there is no supervisor without TLS; with TLS it is ${encrypted}`));
}

function fingerprintOf(socket: Socket): string {
  return comparable((socket as TLSSocket).getPeerCertificate().fingerprint256);
}

function notRunning(url: string, reason: string): HoldfastError {
  return new HoldfastError("NOT_RUNNING", `no supervisor answers on ${url}: ${reason}`, { path: url, reason });
}

function tlsFailed(url: string, { message }: Error): HoldfastError {
  return new HoldfastError("TLS_FAILED", `no trusted connection to ${url}: ${message}`, { url, reason: message });
}
