import { chmodSync } from "node:fs";
import { digestOf } from "../../src/access/token.ts";
import { type ConnectOptions, connect, type HoldfastClient } from "../../src/index.ts";
import { type Certified, certify } from "./certificates.ts";
import { eventually, type ServeProcess, type Stage } from "./processes.ts";

/** The authority that clients trust, and the certificate that it has signed for this machine. */
export const authority = certify({ commonName: "the tests' authority" });
/** See `authority`. */
export const machine = certify({ commonName: "localhost", issuer: authority, names: ["localhost", "127.0.0.1"] });

/** The token of the table `panel` of `tokenTable`. */
export const TOKEN = "hf_a-token-of-the-tests";

/** The beginning of a table for whoever has the token. */
export const panel = `[access.panel]\ntoken = "${digestOf(TOKEN)}"\n`;

/** A table that gives whoever has the token every right. */
export const tokenTable = `${panel}read = "*"\nwatch = "*"\ncommand = "*"\nframes = "*"\npublish = "*"\nsubscribe = "*"\nadmin = true\n`;

/** A supervisor that listens on a port of its own. */
export interface Served {
  readonly supervisor: ServeProcess;
  readonly port: number;
  readonly url: string;
}

/** The keys of `[listen.tcp]` for a certificate. */
export function tlsKeys(stage: Stage, { certificate, key }: Certified = machine): string {
  const secret = stage.file("key.pem", key);
  chmodSync(secret, 0o600);
  return `certificate = "${stage.file("cert.pem", certificate)}"\nkey = "${secret}"\n`;
}

/** Starts a supervisor that listens on TCP, by default with TLS and one token. @param listen what `[listen.tcp]` says beside the port */
export async function serveTcp(stage: Stage, listen: string = tlsKeys(stage), access: string = tokenTable): Promise<Served> {
  const config = stage.file("its.toml", `[listen.tcp]\nport = 0\n${listen}\n${access}`);
  const supervisor = await stage.serve("--config", config);
  const found = () => /"port":(\d+).*"msg":"listening"/.exec(supervisor.errors)?.[1];
  await eventually("it listens", () => found() !== undefined);
  const scheme = listen.includes("certificate =") ? "holdfast" : "holdfast+tcp";
  return { supervisor, port: Number(found()), url: `${scheme}://localhost:${found()}` };
}

/** A client over the network, that trusts the tests' authority and has the token. */
export async function dial(stage: Stage, url: string, options: ConnectOptions = {}): Promise<HoldfastClient> {
  const client = await connect({ url, token: TOKEN, ca: authority.certificate, name: "far", ...options });
  stage.resources.defer(() => void client.close());
  return client;
}
