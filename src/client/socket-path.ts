import { existsSync } from "node:fs";

/** The socket of a supervisor that runs as a system service. */
const SYSTEM_SOCKET = "/run/holdfast/holdfast.sock";

/** The socket of this user's own supervisor, when the session has a run-time folder (XDG Base Directory Specification). */
function userSocket(): string | null {
  const folder = process.env["XDG_RUNTIME_DIR"];
  return folder ? `${folder}/holdfast.sock` : null;
}

/** Where a client looks for a supervisor: `HOLDFAST_SOCKET`, then the user's own socket, then that of the system service. */
export function clientSocketPath(): string {
  const named = process.env["HOLDFAST_SOCKET"];
  if (named) return named;
  const own = userSocket();
  return own !== null && existsSync(own) ? own : SYSTEM_SOCKET;
}

/** Where a supervisor serves unless it is told: `HOLDFAST_SOCKET`, for root the system's socket, else the user's own. */
export function serverSocketPath(): string {
  const named = process.env["HOLDFAST_SOCKET"];
  if (named) return named;
  return process.getuid?.() === 0 ? SYSTEM_SOCKET : (userSocket() ?? SYSTEM_SOCKET);
}
