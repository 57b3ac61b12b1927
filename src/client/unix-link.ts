import { connect as dial } from "node:net";
import { resolve as absolute } from "node:path";
import { HoldfastError } from "../protocol/errors.ts";
import { MAX_SOCKET_PATH_BYTES } from "../protocol/limits.ts";
import type { Dial } from "./link.ts";
import { connectionFailed, linkOver } from "./socket-link.ts";

/** A link over a Unix socket. */
export function overUnixSocket(path: string): Dial {
  return (listener) =>
    new Promise((resolve, reject) => {
      if (path === "") throw new HoldfastError("NOT_RUNNING", "no supervisor is on an empty path", { path, reason: "the path is empty" });
      if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
        throw new HoldfastError("SOCKET_PATH", `a socket's path has 1 to ${MAX_SOCKET_PATH_BYTES} bytes: "${path}"`, { path });
      }
      // Made absolute, for a path that is a number would be a TCP port.
      const socket = dial(absolute(path));
      const refused = (error: NodeJS.ErrnoException) => reject(dialError(error, path));
      socket.once("error", refused);
      socket.once("connect", () => {
        socket.off("error", refused);
        resolve(linkOver(socket, listener, connectionFailed));
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
