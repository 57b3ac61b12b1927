import { z } from "zod";
import { HoldfastError } from "./errors.ts";
import { MAX_GROUP_NAME_LENGTH, MAX_NAME_LENGTH } from "./limits.ts";

/** What an address leads to: its first word, but for `slot`, which is one of a pool. */
export const kindSchema = z.enum(["supervisor", "pin", "pool", "slot", "process", "camera", "client", "actor"]);
/** What an address leads to. */
export type Kind = z.infer<typeof kindSchema>;

/** Where an actor is, taken apart. */
export type Address =
  | { readonly kind: "supervisor" }
  /** By any of its names; of a group with `+` between them. */
  | { readonly kind: "pin"; readonly pin: string }
  | { readonly kind: "pool"; readonly pool: string }
  | { readonly kind: "slot"; readonly pool: string; readonly slot: number }
  | { readonly kind: "process"; readonly process: string }
  | { readonly kind: "camera"; readonly camera: string }
  | { readonly kind: "client"; readonly client: number }
  /** One that a user has written. */
  | { readonly kind: "actor"; readonly actor: string };

/** The name of an actor that a user has written: it is also that of a client, and of a file. */
export const actorNameSchema = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, and . _ - behind the first")
  .describe("letters, digits, and . _ - behind the first");

/** What comes nearest to a text among the names of actors: so is called what has none, and has to be told of. */
export function nearestActorName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]/gu, "_").replace(/^(?![A-Za-z0-9])/, "x");
}

/** The root: all others are below it. */
export const ROOT: Address = { kind: "supervisor" };

/** Names of pools, processes, cameras and users' actors are alike, and hold no `/`; numbers are written in one way only. */
const NAME = "([A-Za-z0-9][A-Za-z0-9._-]*)";
const NUMBER = "(0|[1-9]\\d{0,14})";
/** A line may be called anything, so what stands behind `pin/` is its name, whatever it is. */
const pinForm = /^pin\/(.+)$/su;
const poolForm = new RegExp(`^pool/${NAME}(?:/slot/${NUMBER})?$`);
const processForm = new RegExp(`^process/${NAME}$`);
const cameraForm = new RegExp(`^camera/${NAME}$`);
const clientForm = new RegExp(`^client/${NUMBER}$`);
const actorForm = new RegExp(`^actor/${NAME}$`);

/** What an address says; undefined: it is none. Whether there is such an actor is another question. */
export function parseAddress(text: string): Address | undefined {
  if (text === "supervisor") return ROOT;
  const [, pin] = pinForm.exec(text) ?? [];
  if (pin !== undefined) return { kind: "pin", pin };
  const [, pool, slot] = poolForm.exec(text) ?? [];
  if (pool !== undefined) return slot === undefined ? { kind: "pool", pool } : { kind: "slot", pool, slot: Number(slot) };
  const [, process] = processForm.exec(text) ?? [];
  if (process !== undefined) return { kind: "process", process };
  const [, camera] = cameraForm.exec(text) ?? [];
  if (camera !== undefined) return { kind: "camera", camera };
  const [, client] = clientForm.exec(text) ?? [];
  if (client !== undefined) return { kind: "client", client: Number(client) };
  const [, actor] = actorForm.exec(text) ?? [];
  return actor === undefined ? undefined : { kind: "actor", actor };
}

/** The same; of one that a request has brought, which is one. @throws HoldfastError `BAD_FIELD` */
export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new HoldfastError("BAD_FIELD", `address: "${text}" ${NO_ADDRESS}`, { field: "address" });
  return address;
}

/** An address as it is written. */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case "supervisor":
      return "supervisor";
    case "pin":
      return `pin/${address.pin}`;
    case "pool":
      return `pool/${address.pool}`;
    case "slot":
      return `pool/${address.pool}/slot/${address.slot}`;
    case "process":
      return `process/${address.process}`;
    case "camera":
      return `camera/${address.camera}`;
    case "client":
      return `client/${address.client}`;
    case "actor":
      return `actor/${address.actor}`;
  }
}

/** The actor that another one is a part of; null: it is the root. */
export function parentOf(address: Address): Address | null {
  if (address.kind === "supervisor") return null;
  return address.kind === "slot" ? { kind: "pool", pool: address.pool } : ROOT;
}

const NO_ADDRESS =
  "must be an address, such as supervisor, pin/GPIO17, pool/cam0, pool/cam0/slot/3, process/algo, camera/front, client/12 or actor/door";

/** An address, as requests have it. */
export const addressSchema = z
  .string()
  .min(1)
  .max("pin/".length + MAX_GROUP_NAME_LENGTH)
  .refine((text) => parseAddress(text) !== undefined, NO_ADDRESS)
  .describe("supervisor, pin/GPIO17, pool/cam0, pool/cam0/slot/3, process/algo, camera/front, client/12, actor/door");
