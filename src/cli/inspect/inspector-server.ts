import { randomBytes } from "node:crypto";
import type { Server, ServerWebSocket } from "bun";
import { HoldfastError } from "../../protocol/errors.ts";
import { inspectorPage, STATELY } from "./page.ts";

/** Names of this machine that mean itself alone. With any other in its address a page would be another site's, whose name leads here. */
const loopback = /^(localhost|127\.0\.0\.1)(:\d+)?$/;

/** What all who look are sent. */
const ALL = "events";

/** How much may wait for a page that does not read, in bytes, before it is dropped. */
const MOST_WAITING = 8 * 2 ** 20;

/**
 * Serves a page with Stately Inspector, and its events as a WebSocket, to this machine alone. Any user of it reaches the port, and any page in a
 * browser may try to: so all is behind a word that nobody can guess, and that only the one who has started this is told.
 */
export class InspectorServer implements Disposable {
  readonly #server: Server<undefined>;
  readonly #path = `/${randomBytes(16).toString("hex")}/`;

  /**
   * @param port 0: any that is free
   * @param story what whoever begins to look is told first
   * @throws HoldfastError `ADDRESS_IN_USE`, `PERMISSION_DENIED`
   */
  constructor(port: number, story: () => readonly string[]) {
    try {
      this.#server = Bun.serve({
        hostname: "127.0.0.1",
        port,
        fetch: (request, server) => this.#answer(request, server),
        websocket: {
          open: (socket: ServerWebSocket<undefined>) => {
            for (const text of story()) socket.send(text);
            socket.subscribe(ALL);
          },
          message: () => {},
          backpressureLimit: MOST_WAITING,
          closeOnBackpressureLimit: true,
        },
      });
    } catch (error) {
      throw refusal(error as NodeJS.ErrnoException, port);
    }
  }

  /** Where the page is. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.port}${this.#path}`;
  }

  /** Where its WebSocket is, for `createWebSocketReceiver` of `@statelyai/inspect`. */
  get socketUrl(): string {
    return `ws://127.0.0.1:${this.#server.port}${this.#path}events`;
  }

  /** Tells all who look. */
  tell(text: string): void {
    this.#server.publish(ALL, text);
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }

  #answer(request: Request, server: Server<undefined>): Response | undefined {
    const host = request.headers.get("host") ?? "";
    const { pathname } = new URL(request.url);
    if (!loopback.test(host) || !pathname.startsWith(this.#path)) return new Response("There is nothing here.\n", { status: 404 });
    if (pathname === this.#path) return page(host);
    if (pathname !== `${this.#path}events`) return new Response("There is nothing here.\n", { status: 404 });
    const origin = request.headers.get("origin");
    if (origin !== null && origin !== `http://${host}`) return new Response("This is for its own page.\n", { status: 403 });
    return server.upgrade(request, { data: undefined }) ? undefined : new Response("This is a WebSocket.\n", { status: 426 });
  }
}

function refusal(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === "EADDRINUSE") return new HoldfastError("ADDRESS_IN_USE", `another program listens on 127.0.0.1:${port}`, { port });
  if (error.code === "EACCES") return new HoldfastError("PERMISSION_DENIED", `this user may not listen on port ${port}`, { port });
  return error;
}

function page(host: string): Response {
  const nonce = randomBytes(16).toString("base64");
  const allowed = `default-src 'none'; frame-src ${STATELY}; connect-src ws://${host}; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'`;
  return new Response(inspectorPage(nonce), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `${allowed}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    },
  });
}
