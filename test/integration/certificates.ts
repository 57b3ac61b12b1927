import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** How a length is written: in as few bytes as can be (X.690, 8.1.3 and 10.1). */
function lengthOf({ length }: Uint8Array): readonly number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

const DAY_MS = 24 * 3600 * 1000;

/** One value in DER (X.690): what it is, how long, and what is in it. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body)]), body]);
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const integer = (bytes: Uint8Array) => der(0x02, bytes);
const isTrue = der(0x01, Buffer.from([0xff]));
const octets = (bytes: Uint8Array) => der(0x04, bytes);
const bits = (bytes: Uint8Array) => der(0x03, Buffer.from([0]), bytes);
const time = (date: Date) => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, "")));

/** Object identifiers, as DER has them. */
const oid = {
  commonName: Buffer.from("0603550403", "hex"),
  basicConstraints: Buffer.from("0603551d13", "hex"),
  subjectAltName: Buffer.from("0603551d11", "hex"),
  ecdsaWithSha256: Buffer.from("06082a8648ce3d040302", "hex"),
};

const nameOf = (commonName: string) => sequence(der(0x31, sequence(oid.commonName, der(0x0c, Buffer.from(commonName)))));

/** A name in a certificate: of a host, or an address (RFC 5280, 4.2.1.6). */
function generalName(name: string): Buffer {
  const isAddress = /^[\d.]+$/.test(name);
  return isAddress ? der(0x87, Buffer.from(name.split(".").map(Number))) : der(0x82, Buffer.from(name));
}

/** A certificate and its key. */
export interface Certified {
  readonly commonName: string;
  readonly certificate: string;
  readonly key: string;
  readonly privateKey: KeyObject;
}

/** What is in a certificate. */
export interface Content {
  readonly commonName: string;
  /** Who signs it; absent: it signs itself, and may sign others. */
  readonly issuer?: Certified;
  /** The hosts and addresses that it is for. */
  readonly names?: readonly string[];
  /** From and until when it is good, in days from now. */
  readonly days?: readonly [from: number, until: number];
}

/** Makes a certificate (RFC 5280), so that tests need neither a program for that nor keys that somebody might trust. */
export function certify({ commonName, issuer, names = [], days = [-1, 30] }: Content): Certified {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signature = sequence(oid.ecdsaWithSha256);
  const extensions = [
    ...(issuer === undefined ? [sequence(oid.basicConstraints, isTrue, octets(sequence(isTrue)))] : []),
    ...(names.length > 0 ? [sequence(oid.subjectAltName, octets(sequence(...names.map(generalName))))] : []),
  ];
  const content = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    signature,
    nameOf(issuer?.commonName ?? commonName),
    sequence(...days.map((day) => time(new Date(Date.now() + day * DAY_MS)))),
    nameOf(commonName),
    publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  const signed = sequence(content, signature, bits(sign("sha256", content, issuer?.privateKey ?? privateKey)));
  const lines = signed.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    commonName,
    certificate: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    privateKey,
  };
}
