import { type ErrorValue, HoldfastError } from "../protocol/errors.ts";
import type { Dial, Link } from "./link.ts";

/** What a client in a thread of its own says to the side of the supervisor. */
export type ToSupervisor = { readonly dial: true } | { readonly request: object } | { readonly taken: number } | { readonly close: true };
/** What it is told. */
export type ToClient =
  | { readonly opened: true }
  | { readonly message: Readonly<Record<string, unknown>> }
  | { readonly closed: ErrorValue };

/** One end of a way between two threads, on which messages are copied and keep their order. */
export interface Port<Said, Told> {
  /** @throws DOMException `DataCloneError` for what can't be copied */
  post(said: Said): void;
  /** Has what comes told to this one, and to no other. */
  listen(hear: (told: Told) => void): void;
}

/** Of so many messages more a client tells that it has taken them. */
export const TAKEN_AT_ONCE = 64;

/** A way to the supervisor from another thread of its process, over a port whose other end `servePort` has. It can be dialled once. */
export function overPort(port: Port<ToSupervisor, ToClient>): Dial {
  return (listener) =>
    new Promise((resolve, reject) => {
      let ended = () => {};
      let untold = 0;
      const taken = () => {
        untold += 1;
        if (untold < TAKEN_AT_ONCE) return;
        port.post({ taken: untold });
        untold = 0;
      };
      const over = new Promise<void>((resolve) => {
        ended = resolve;
      });
      const end = (error: HoldfastError) => {
        reject(error);
        ended();
        listener.closed(error);
      };
      const link: Link = {
        send: (request) => {
          try {
            port.post({ request });
          } catch (error) {
            throw new HoldfastError("BAD_FIELD", `a message cannot carry this: ${(error as Error).message}`, {}, { cause: error });
          }
        },
        close: () => {
          port.post({ close: true });
          return over;
        },
        abandon: (why) => {
          port.post({ close: true });
          end(why);
        },
      };
      port.listen((told) => {
        if ("opened" in told) resolve(link);
        else if ("message" in told) {
          taken();
          listener.message(told.message);
        } else end(HoldfastError.fromValue(told.closed));
      });
      port.post({ dial: true });
    });
}
