import type { Dial, Link } from "../client/link.ts";
import type { Port, ToClient, ToSupervisor } from "../client/port-link.ts";
import { HoldfastError } from "../protocol/errors.ts";

/**
 * Serves a client in another thread of this process, which reaches the supervisor as `dial` does.
 * @returns ends the connection, when the thread has gone without a word
 */
export function servePort(port: Port<ToClient, ToSupervisor>, dial: Dial): () => void {
  let link: Link | null = null;
  let isOver = false;
  const closed = (error: HoldfastError) => {
    if (isOver) return;
    isOver = true;
    port.post({ closed: error.toValue() });
  };
  const open = async () => {
    try {
      const opened = await dial({ message: (message) => port.post({ message }), closed });
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
    else void link?.close();
  });
  return () => {
    isOver = true;
    void link?.close();
  };
}
