import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { readConfig } from "../config/read-config.ts";
import { isOpenToAll } from "../protocol/listen.ts";
import type { Finding } from "./findings.ts";

/** A certificate that ends sooner is worth a word, in ms: 30 days. */
const SOON_MS = 30 * 24 * 3600 * 1000;

/** The permission of everybody to read a file. */
const READABLE_BY_ALL = 0o004;

/**
 * Looks at the listeners of the configuration: at those that let other machines in without what would protect this one, at certificates that
 * are no good, or soon will be, and at keys that are no secret. Nothing, where there are none, or where it can't be read: that is found elsewhere.
 * @param configPath of the configuration file, unless it is the default one
 */
export async function networkFindings(configPath?: string): Promise<Finding[]> {
  const listen = await readConfig(configPath).then(
    ({ config }) => config.listen,
    () => ({}) as Awaited<ReturnType<typeof readConfig>>["config"]["listen"],
  );
  const open = Object.entries(listen).filter(([, settings]) => settings !== undefined && isOpenToAll(settings));
  const { certificate, key } = listen.tcp ?? {};
  return [
    ...open.map(([name]) => openFinding(name)),
    ...(certificate === undefined ? [] : certificateFinding(certificate)),
    ...(key === undefined ? [] : keyFinding(key)),
  ];
}

function openFinding(name: string): Finding {
  const finding = "insecure = true: who reaches this machine over the network may come in without TLS or without a token";
  const remedy =
    name === "tcp"
      ? "Give it a certificate and a token, and take insecure out: docs/network.md"
      : `Let it listen on 127.0.0.1, and reach it through ssh -L; or give it no more rights than it needs: listen.${name}.access`;
  return { subject: `listen.${name}`, verdict: "warn", finding, remedy };
}

/** Until when it is good; nothing, where this user may not read it. */
function certificateFinding(path: string): Finding[] {
  const subject = "listen.tcp.certificate";
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(readFileSync(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EACCES") return [];
    return [{ subject, verdict: "fail", finding: `${path}: ${message}`, remedy: "Make one: docs/network.md" }];
  }
  const leftMs = Date.parse(certificate.validTo) - Date.now();
  const until = new Date(certificate.validTo).toISOString().slice(0, 10);
  if (leftMs > SOON_MS) return [{ subject, verdict: "ok", finding: `${path} is good until ${until}` }];
  const remedy = "Put a new one in its place, and have the supervisor read it: systemctl reload holdfast";
  if (leftMs > 0) return [{ subject, verdict: "warn", finding: `${path} is good until ${until} only`, remedy }];
  return [{ subject, verdict: "fail", finding: `${path} was good until ${until}: no client trusts it any more`, remedy }];
}

/** Whether the key is a secret; nothing, where it is. */
function keyFinding(path: string): Finding[] {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & READABLE_BY_ALL) === 0) return [];
  const finding = `${path} may be read by every user of this machine, who could then pass as this supervisor`;
  return [{ subject: "listen.tcp.key", verdict: "warn", finding, remedy: `Take the right from them: chmod o-r ${path}` }];
}
