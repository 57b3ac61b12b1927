import type { Dial } from "../client/link.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { type Op, parseRequest } from "../protocol/requests.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";

/** A client within the supervisor's own process: the same requests, replies and events, and no bytes. */
export function inProcess(supervisor: Supervisor, name: string): Dial {
  return async (listener) => {
    const peer = { transport: "in-process", name, pid: process.pid, uid: process.getuid?.() ?? null };
    const pending = new Set<Promise<unknown>>();
    let open = true;
    const close = (reason: string) => {
      if (!open) return;
      open = false;
      client.end();
      listener.closed(new HoldfastError("DISCONNECTED", reason));
    };
    const client = supervisor.attach(peer, {
      ready: true,
      deliver: (event) => queueMicrotask(() => listener.message(event)),
      // What was asked before the end, as the end itself, is answered first.
      stopped: () => {
        client.end();
        void Promise.all(pending).then(() => close("the supervisor has stopped"));
      },
    });
    return {
      send(request) {
        const message = request as { readonly id: number; readonly op: Op };
        const { id } = message;
        // The reply is computed at once, so that requests take effect in the order in which they are sent.
        const reply = attempt(() => supervisor.request(client, parseRequest(withoutUndefined(message))));
        const answered = reply
          .then(
            (body) => listener.message({ id, ok: true, ...body }),
            (error) => listener.message({ id, ok: false, error: HoldfastError.from(error).toValue() }),
          )
          .finally(() => pending.delete(answered));
        pending.add(answered);
      },
      close: async () => close("this client has closed"),
    };
  };
}

async function attempt<T>(act: () => T | Promise<T>): Promise<T> {
  return act();
}

/** What the codec does to a message on its way: a field that is undefined is not sent. */
function withoutUndefined(message: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined));
}
