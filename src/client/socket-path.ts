/** The socket of a supervisor that runs as a system service. */
const SYSTEM_SOCKET = "/run/holdfast/holdfast.sock";

/** The socket of this user's own supervisor, when the session has a run-time folder (XDG Base Directory Specification). */
function userSocket(): string | null {
  const folder = process.env["XDG_RUNTIME_DIR"];
  return folder ? `${folder}/holdfast.sock` : null;
}

/** Where a client looks for a supervisor: `HOLDFAST_SOCKET` alone, or else the user's own socket, then that of the system service. */
export function clientSocketPaths(): readonly string[] {
  const named = process.env["HOLDFAST_SOCKET"];
  if (named) return [named];
  return [userSocket(), SYSTEM_SOCKET].filter((path) => path !== null);
}

/** Where a supervisor serves unless it is told: `HOLDFAST_SOCKET`, for root the system's socket, else the user's own. */
export function serverSocketPath(): string {
  const named = process.env["HOLDFAST_SOCKET"];
  if (named) return named;
  return process.getuid?.() === 0 ? SYSTEM_SOCKET : (userSocket() ?? SYSTEM_SOCKET);
}
