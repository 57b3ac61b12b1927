import type { HoldfastError } from "../protocol/errors.ts";

/** What a link tells its client. */
export interface LinkListener {
  /** A message of the supervisor: a reply, when it has an `id`, or an event, when it has a `sub`. */
  message(message: Readonly<Record<string, unknown>>): void;
  /** The link is over, and nothing comes any more. */
  closed(error: HoldfastError): void;
  /** Whether it takes events now; absent: always. While it does not, they wait at the supervisor, until `Link.flush`. */
  isReady?(): boolean;
}

/** The way from a client to a supervisor: a socket, or nothing at all between them. */
export interface Link {
  /** Sends a request. @throws HoldfastError `BAD_FIELD`, `LIMIT_DEPTH`, `LIMIT_MESSAGE`: nothing has been sent */
  send(request: object): void;
  /** The supervisor ends the link over a longer request, in bytes: none is sent. Absent: it takes what comes, or refuses that alone. */
  limit?(messageBytes: number): void;
  /** The listener takes events again. */
  flush?(): void;
  /** Ends the link; what was sent before still arrives. Resolves when it is over. */
  close(): Promise<void>;
  /** Ends the link at once. @param why what the listener is told */
  abandon(why: HoldfastError): void;
}

/** Makes a link. @throws HoldfastError `NOT_RUNNING`, `PERMISSION_DENIED`, … */
export type Dial = (listener: LinkListener) => Promise<Link>;
