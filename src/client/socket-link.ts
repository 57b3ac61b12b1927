import type { Socket } from "node:net";
import { assertFits, decode, encode, LENGTH_BYTES } from "../protocol/codec.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { FrameReader } from "../protocol/framing.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { Link, LinkListener } from "./link.ts";

/** What a client takes from its supervisor, which it trusts: lists of pins and clients are long. */
const limits = { ...defaultLimits, messageBytes: 16 * 1024 * 1024, messageDepth: 64 };

/**
 * A link over a socket that is connected. What is sent within one turn of the event loop leaves in one write.
 * @param failed what the client is told when the socket fails, or brings what no supervisor sends
 */
export function linkOver(socket: Socket, listener: LinkListener, failed: (error: Error) => HoldfastError): Link {
  const reader = new FrameReader(limits);
  let mostBytes = Number.POSITIVE_INFINITY;
  let unwritten: Uint8Array[] = [];
  let reason = new HoldfastError("DISCONNECTED", "the supervisor has closed the connection");

  const flush = () => {
    const frames = unwritten;
    unwritten = [];
    if (frames.length > 0 && !socket.destroyed) socket.write(frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames));
  };
  const abandon = (why: HoldfastError) => {
    reason = why;
    socket.destroy();
  };

  socket.on("error", (error) => {
    reason = failed(error);
  });
  socket.once("close", () => listener.closed(reason));
  socket.on("data", (chunk) => {
    try {
      reader.read(chunk as Uint8Array, (frame) => listener.message(decode(frame, limits)));
    } catch (error) {
      abandon(failed(HoldfastError.from(error)));
    }
  });
  return {
    send(request) {
      const frame = encode(request);
      assertFits(frame.length - LENGTH_BYTES, mostBytes);
      if (unwritten.length === 0) queueMicrotask(flush);
      unwritten.push(frame);
    },
    limit(messageBytes) {
      mostBytes = messageBytes;
    },
    close: () =>
      new Promise<void>((closed) => {
        reason = new HoldfastError("DISCONNECTED", "this client has closed");
        if (socket.destroyed) return closed();
        socket.once("close", () => closed());
        flush();
        socket.end();
      }),
    abandon,
  };
}

/** A socket that has failed, or what came over it. */
export function connectionFailed(error: Error): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError("DISCONNECTED", `the connection failed: ${error.message}`);
}
