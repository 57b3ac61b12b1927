import type { Socket } from "node:net";

/** How many connections may wait before they have said who they are. */
const MOST_WAITING = 64;

/**
 * Connections that have not said yet who they are. There are few at once, each for a short time: one more, and the one that has
 * waited for longest has to go, so that nobody keeps others out by saying nothing.
 */
export class Doorway {
  readonly #patienceMs: number;
  /** By the peer's address and port, which TLS does not change. */
  readonly #waiting = new Map<string, { readonly socket: Socket; readonly impatience: ReturnType<typeof setTimeout> }>();

  /** @param patienceMs how long each may take */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** A connection has come. */
  enter(socket: Socket): void {
    const [oldest] = this.#waiting;
    if (oldest !== undefined && this.#waiting.size >= MOST_WAITING) {
      const [place, { socket }] = oldest;
      // Now, for a socket within TLS that is destroyed does not tell before its handshake would have had to end.
      this.#leave(place);
      socket.destroy();
    }
    const place = placeOf(socket);
    const impatience = setTimeout(() => socket.destroy(), this.#patienceMs);
    this.#waiting.set(place, { socket, impatience });
    socket.once("close", () => this.#leave(place));
  }

  /** It has said who it is. */
  pass(socket: Socket): void {
    this.#leave(placeOf(socket));
  }

  #leave(place: string): void {
    clearTimeout(this.#waiting.get(place)?.impatience);
    this.#waiting.delete(place);
  }
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
