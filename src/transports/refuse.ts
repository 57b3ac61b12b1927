import type { Socket } from "node:net";
import { encode } from "../protocol/codec.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { LAST_READ_MS } from "./socket-server.ts";

/** The reply to a request that failed; null: to whatever it was that came. */
export function failure(id: number | null, error: unknown): object {
  return { id, ok: false, error: HoldfastError.from(error).toValue() };
}

/** Tells a peer of this protocol why it is not served, and ends the connection. */
export function refuse(socket: Socket, error: unknown, id: number | null = null): void {
  // That it has gone already is no news.
  socket.on("error", () => {});
  socket.write(encode(failure(id, error)));
  hangUp(socket);
}

/**
 * Ends a connection: the peer has its time to read the last that it was sent, and what it still sends is thrown away. (To close
 * a socket with unread bytes would reset it, and the peer might not see why.)
 */
export function hangUp(socket: Socket): void {
  const impatience = setTimeout(() => socket.destroy(), LAST_READ_MS);
  socket.once("close", () => clearTimeout(impatience));
  socket.resume();
  socket.end();
}

/** The `id` of a message, as far as it has one. */
export function idOf({ id }: Readonly<Record<string, unknown>>): number | null {
  return Number.isSafeInteger(id) && (id as number) >= 0 ? (id as number) : null;
}
