import type { Dial } from "../client/link.ts";
import { fullAccess } from "../protocol/access.ts";
import { decode, encode, LENGTH_BYTES } from "../protocol/codec.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { defaultLimits, type Limits } from "../protocol/limits.ts";
import type { Event } from "../protocol/replies.ts";
import { type Op, parseRequest } from "../protocol/requests.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";

/** What is said of a frame may be as long as the supervisor lets it, and is nested as on a socket. */
const metaLimits = { ...defaultLimits, messageBytes: Number.POSITIVE_INFINITY };

/** A client within the supervisor's own process: the same requests, replies and events, and no bytes. @param transport what it is called */
export function inProcess(supervisor: Supervisor, name: string, transport = "in-process"): Dial {
  return async (listener) => {
    const peer = {
      transport,
      address: null,
      name,
      pid: process.pid,
      uid: process.getuid?.() ?? null,
      access: () => fullAccess,
    };
    const pending = new Set<Promise<unknown>>();
    let open = true;
    const close = (reason: HoldfastError) => {
      if (!open) return;
      open = false;
      client.end();
      listener.closed(reason);
    };
    /** A message that the listener throws at ends its link, as one does that a socket's client can't read. Nobody else is kept from theirs. */
    const tell = (message: Readonly<Record<string, unknown>>) => {
      try {
        listener.message(message);
      } catch (error) {
        close(HoldfastError.from(error));
      }
    };
    const client = supervisor.attach(peer, {
      get ready() {
        return listener.isReady?.() ?? true;
      },
      deliver: (event) => queueMicrotask(() => tell(copied(event))),
      // What was asked before the end, as the end itself, is answered first.
      stopped: () => {
        client.end();
        void Promise.all(pending).then(() => close(new HoldfastError("DISCONNECTED", "the supervisor has stopped")));
      },
    });
    return {
      send(request) {
        const message = request as { readonly id: number; readonly op: Op };
        const { id } = message;
        // The reply is computed at once, so that requests take effect in the order in which they are sent.
        const reply = attempt(() => supervisor.request(client, parseRequest(sent(message, supervisor.limits))));
        const answered = reply
          .then(
            (body) => tell({ id, ok: true, ...body }),
            (error) => tell({ id, ok: false, error: HoldfastError.from(error).toValue() }),
          )
          .finally(() => pending.delete(answered));
        pending.add(answered);
      },
      flush: () => client.flush(),
      abandon: close,
      close: async () => close(new HoldfastError("DISCONNECTED", "this client has closed")),
    };
  };
}

async function attempt<T>(act: () => T | Promise<T>): Promise<T> {
  return act();
}

/**
 * What the codec does to a request on its way: a field that is undefined is not sent, and what is said of a frame, or to an actor, or published, stays as it
 * was then.
 * @throws HoldfastError as `encode` and `decode` do
 */
function sent(request: { readonly op: Op }, limits: Limits): Record<string, unknown> {
  if (request.op === "topic.publish" || request.op === "actor.send" || request.op === "actor.ask")
    return decode(encode(request).subarray(LENGTH_BYTES), limits);
  const fields: Record<string, unknown> = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  return "meta" in fields ? { ...fields, ...decode(encode({ meta: fields["meta"] }).subarray(LENGTH_BYTES), metaLimits) } : fields;
}

/** An event of which its client may do with `meta`, `value` and `data` what it likes: others are told the same. */
function copied(event: Event): Event {
  if (event.ev === "message" || event.ev === "transition") return structuredClone(event);
  return event.ev === "frame" && event.meta !== undefined ? { ...event, meta: structuredClone(event.meta) } : event;
}
