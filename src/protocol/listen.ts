import { z } from "zod";
import { MAX_DURATION_MS } from "./limits.ts";

/** Where holdfast's own protocol is over TCP. */
export const TCP_PORT = 8510;
/** Where the listeners are unless they are told another port, by their tables. */
export const usualPorts = {
  tcp: TCP_PORT,
  /** Where pigpio's programs look for its daemon (pigpio.h, PI_DEFAULT_SOCKET_PORT). */
  pigpio: 8888,
  /** Where remoteio's programs look for its server. */
  remoteio: 8509,
} as const;

/** Where a listener is unless it is told: for this machine's own programs. */
export const LOOPBACK = "127.0.0.1";

/** Shortest heartbeat of connections, in ms: a network has its pauses. */
const MIN_HEARTBEAT_MS = 100;

/** What every listener on a TCP port is told. */
const endpoint = {
  address: z
    .string()
    .refine(isAddress, "must be an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has")
    .optional()
    .describe("of this machine; 0.0.0.0: all that it has; default 127.0.0.1"),
  port: z.int().min(0).max(65535).optional().describe("0: one that is free"),
  insecure: z.boolean().optional().describe("it is reachable from other machines without TLS and a token, and that is wanted"),
  access: z.string().min(1).optional().describe("whose rights its clients have: the name of a table [access.NAME]"),
};

const file = z.string().startsWith("/", "must be a path from the root: /etc/holdfast/cert.pem").optional();

const tcp = z.strictObject({
  ...endpoint,
  certificate: file.describe("a PEM file: the certificate, with those between it and its authority behind it"),
  key: file.describe("a PEM file: the certificate's private key"),
  clientCertificates: file.describe("a PEM file: the authorities of which every client must have a certificate"),
  heartbeatMs: z
    .number()
    .min(MIN_HEARTBEAT_MS)
    .max(MAX_DURATION_MS)
    .optional()
    .describe("who sends nothing for longer is disconnected, in ms"),
});

/** The listener of holdfast's own protocol. */
export type TcpSettings = z.infer<typeof tcp>;

/** A certificate needs its key; and whoever lets other machines in without both must say so. */
function isEncrypted(settings: TcpSettings, context: z.RefinementCtx) {
  const { address, certificate, key, clientCertificates, insecure } = settings;
  const need = (name: "certificate" | "key", message: string) => context.addIssue({ code: "custom", path: [name], message });
  if (certificate === undefined && (key ?? clientCertificates) !== undefined) need("certificate", "is missing");
  else if (certificate !== undefined && key === undefined) need("key", "is missing");
  else if (certificate === undefined && insecure !== true && !isLoopback(address)) {
    need("certificate", "is missing: other machines are let in with TLS only; insecure = true does without, if that is wanted");
  }
}

/** A protocol that knows neither TLS nor tokens is for this machine's own programs, unless it is written out that it is not. */
function staysOnThisMachine(
  { address, insecure }: { address?: string | undefined; insecure?: boolean | undefined },
  context: z.RefinementCtx,
) {
  if (insecure === true || isLoopback(address)) return;
  const message =
    "lets other machines in without TLS and a token, which this protocol does not have: say insecure = true if that is wanted";
  context.addIssue({ code: "custom", path: ["address"], message });
}

/** What an operator says of the listeners beside the Unix socket. One that is not spoken of is off. */
export const listenSchema = z.strictObject({
  tcp: tcp.superRefine(isEncrypted).optional(),
  pigpio: z.strictObject(endpoint).superRefine(staysOnThisMachine).optional(),
  remoteio: z
    .strictObject({
      ...endpoint,
      mode: z.enum(["wait", "nowait"]).optional().describe("whether a command waits for the one that runs; default wait"),
    })
    .superRefine(staysOnThisMachine)
    .optional(),
});

/** The listeners beside the Unix socket. */
export type ListenSettings = z.infer<typeof listenSchema>;

/** Whether a listener lets other machines in, and its operator has waived what would protect it. */
export function isOpenToAll({
  address,
  insecure,
}: {
  readonly address?: string | undefined;
  readonly insecure?: boolean | undefined;
}): boolean {
  return insecure === true && !isLoopback(address);
}

/** Whether only this machine's own programs reach an address (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3). */
export function isLoopback(address: string = LOOPBACK): boolean {
  return address === "localhost" || address === "::1" || address.startsWith("127.");
}

function isAddress(text: string): boolean {
  return text === "localhost" || z.union([z.ipv4(), z.ipv6()]).safeParse(text).success;
}
