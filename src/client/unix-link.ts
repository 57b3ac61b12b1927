import { connect as dial } from "node:net";
import { resolve as absolute } from "node:path";
import { decode, encode } from "../protocol/codec.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { FrameReader } from "../protocol/framing.ts";
import { defaultLimits, MAX_SOCKET_PATH_BYTES } from "../protocol/limits.ts";
import type { Dial } from "./link.ts";

/** What a client takes from its supervisor, which it trusts: lists of pins and clients are long. */
const limits = { ...defaultLimits, messageBytes: 16 * 1024 * 1024, messageDepth: 64 };

/** A link over a Unix socket. What is sent within one turn of the event loop leaves in one write. */
export function overUnixSocket(path: string): Dial {
  return (listener) =>
    new Promise((resolve, reject) => {
      if (path === "") throw new HoldfastError("NOT_RUNNING", "no supervisor is on an empty path", { path, reason: "the path is empty" });
      if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
        throw new HoldfastError("SOCKET_PATH", `a socket's path has 1 to ${MAX_SOCKET_PATH_BYTES} bytes: "${path}"`, { path });
      }
      // Made absolute, for a path that is a number would be a TCP port.
      const socket = dial(absolute(path));
      const reader = new FrameReader(limits);
      let unwritten: Uint8Array[] = [];
      let reason = new HoldfastError("DISCONNECTED", "the supervisor has closed the connection");

      const flush = () => {
        const frames = unwritten;
        unwritten = [];
        if (frames.length > 0 && !socket.destroyed) socket.write(frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames));
      };
      const send = (request: object) => {
        const frame = encode(request);
        if (unwritten.length === 0) queueMicrotask(flush);
        unwritten.push(frame);
      };
      const close = () =>
        new Promise<void>((closed) => {
          reason = new HoldfastError("DISCONNECTED", "this client has closed");
          if (socket.destroyed) return closed();
          socket.once("close", () => closed());
          flush();
          socket.end();
        });

      socket.once("connect", () => {
        socket.off("error", reject);
        socket.on("error", (error) => {
          reason = new HoldfastError("DISCONNECTED", `the connection failed: ${error.message}`);
        });
        socket.once("close", () => listener.closed(reason));
        resolve({ send, close });
      });
      socket.once("error", (error: NodeJS.ErrnoException) => reject(dialError(error, path)));
      socket.on("data", (chunk) => {
        try {
          reader.read(chunk as Uint8Array, (frame) => listener.message(decode(frame, limits)));
        } catch (error) {
          reason = HoldfastError.from(error);
          socket.destroy();
        }
      });
    });
}

function dialError({ code, message }: NodeJS.ErrnoException, path: string): HoldfastError {
  if (code === "EACCES" || code === "EPERM") {
    return new HoldfastError("PERMISSION_DENIED", `${path} may not be opened by this user; join its group, usually gpio`, { path });
  }
  // Somebody serves it, but hangs up or is overrun: that is no reason to look for another supervisor.
  if (code === "ECONNRESET" || code === "EAGAIN")
    return new HoldfastError("DISCONNECTED", `${path} takes no connection: ${message}`, { path });
  const reason = code === "ENOENT" ? "there is no such socket" : code === "ECONNREFUSED" ? "nobody serves it" : message;
  return new HoldfastError("NOT_RUNNING", `no supervisor answers on ${path}: ${reason}`, { path, reason });
}
