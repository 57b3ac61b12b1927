import type { Dial, Link } from "../client/link.ts";
import { type Port, TAKEN_AT_ONCE, type ToClient, type ToSupervisor } from "../client/port-link.ts";
import { HoldfastError } from "../protocol/errors.ts";

/** So many messages may be on their way to a thread: more wait at the supervisor, where the oldest are lost in the end, and counted. */
const MOST_ON_THEIR_WAY = 8 * TAKEN_AT_ONCE;

/**
 * Serves a client in another thread of this process, which reaches the supervisor as `dial` does.
 * @returns ends the connection, when the thread has gone without a word
 */
export function servePort(port: Port<ToClient, ToSupervisor>, dial: Dial): () => void {
  let link: Link | null = null;
  let isOver = false;
  let onTheirWay = 0;
  const isReady = () => onTheirWay < MOST_ON_THEIR_WAY;
  const message = (message: Readonly<Record<string, unknown>>) => {
    onTheirWay += 1;
    port.post({ message });
  };
  const taken = (messages: number) => {
    const wasReady = isReady();
    onTheirWay -= messages;
    if (!wasReady && isReady()) link?.flush?.();
  };
  const closed = (error: HoldfastError) => {
    if (isOver) return;
    isOver = true;
    port.post({ closed: error.toValue() });
  };
  const open = async () => {
    try {
      const opened = await dial({ message, closed, isReady });
      if (isOver) return void opened.close();
      link = opened;
      port.post({ opened: true });
    } catch (error) {
      closed(HoldfastError.from(error));
    }
  };
  port.listen((said) => {
    if ("dial" in said) void open();
    else if ("request" in said) link?.send(said.request);
    else if ("taken" in said) taken(said.taken);
    else void link?.close();
  });
  return () => {
    isOver = true;
    void link?.close();
  };
}
