import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createServer, connect as dial, type Server } from "node:net";
import { dirname, join, resolve } from "node:path";
import { RefusalLog } from "../access/refusal-log.ts";
import { gpioGroup } from "../gpio-group.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { MAX_SOCKET_PATH_BYTES } from "../protocol/limits.ts";
import { Connection } from "./connection.ts";
import type { Listener, ListenerParts } from "./listener.ts";
import { peerCredentials } from "./peer-credentials.ts";
import { refuse } from "./refuse.ts";
import { SocketServer } from "./socket-server.ts";

/** Owner and group may talk to the supervisor. */
const SOCKET_MODE = 0o660;

/** A Unix socket on which a supervisor serves. */
export class UnixListener implements Listener {
  readonly #server: SocketServer;

  private constructor(
    readonly path: string,
    server: SocketServer,
  ) {
    this.#server = server;
  }

  /**
   * Looks whether a supervisor could serve there, before it goes to any trouble.
   * @throws HoldfastError `ALREADY_RUNNING`, `SOCKET_PATH`, `PERMISSION_DENIED`
   */
  static async assertFree(path: string): Promise<void> {
    if (path === "" || Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
      throw new HoldfastError("SOCKET_PATH", `a socket's path has 1 to ${MAX_SOCKET_PATH_BYTES} bytes: "${path}"`, { path });
    }
    try {
      if (await isServed(path)) throw alreadyRunning(path);
    } catch (error) {
      throw socketError(error, path);
    }
  }

  /**
   * Serves on a socket. A file that a dead supervisor left is replaced; the folder is made when it is missing.
   * @throws HoldfastError `ALREADY_RUNNING`, `SOCKET_PATH`, `PERMISSION_DENIED`
   */
  static async open(path: string, { supervisor, rules, limits, log }: ListenerParts): Promise<UnixListener> {
    await UnixListener.assertFree(path);
    const refusals = new RefusalLog(log, () => performance.now());
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      try {
        const { pid, uid, gids } = peerCredentials(socket);
        const name = pid === null ? "unnamed" : `pid ${pid}`;
        const access = () => rules.ofUser({ uid, gids });
        new Connection(supervisor, socket, { transport: "unix", address: null, name, pid, uid, access }, limits, log);
      } catch (error) {
        refusals.tell({ transport: "unix" }, HoldfastError.from(error), "client refused");
        refuse(socket, error);
      }
    });
    const served = new SocketServer(server, limits);
    try {
      mkdirSync(dirname(path), { recursive: true });
      await serveAt(path, server);
    } catch (error) {
      server.close();
      throw socketError(error, path);
    }
    return new UnixListener(path, served);
  }

  /** Takes no more clients, removes the file, and ends the connections once what was answered has been sent. */
  async close(): Promise<void> {
    const closed = this.#server.close();
    rmSync(this.path, { force: true });
    await closed;
  }
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((listening, reject) => {
    server.once("error", reject);
    const before = process.umask(0o777 & ~SOCKET_MODE);
    // Made absolute, for a path that is a number would be a TCP port.
    server.listen(resolve(path), () => {
      server.off("error", reject);
      listening();
    });
    process.umask(before);
  });
}

/** A path beside another that nobody else uses, and hardly longer. */
function nearby(path: string): string {
  return join(dirname(path), `.hf-${randomBytes(4).toString("hex")}`);
}

/**
 * Makes the socket elsewhere and gives it its path when it is ready: one that refuses connections there is then one that nobody
 * serves, never one that is about to be. link(2) replaces nothing, so that of several supervisors one succeeds.
 */
async function serveAt(path: string, server: Server): Promise<void> {
  const elsewhere = nearby(path);
  await bind(server, elsewhere);
  try {
    chmodSync(elsewhere, SOCKET_MODE);
    giveToGpioGroup(elsewhere);
    while (!linked(elsewhere, path)) await removeStale(path);
  } finally {
    rmSync(elsewhere, { force: true });
  }
}

/** @returns false when there is something at `to` */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Takes a socket file away that nobody serves. It is moved aside first and asked there, so that of two supervisors that start
 * at once neither removes the file of the other.
 */
async function removeStale(path: string): Promise<void> {
  if (await isServed(path)) throw alreadyRunning(path);
  const aside = nearby(path);
  try {
    if (!lstatSync(path).isSocket()) throw new HoldfastError("SOCKET_PATH", `${path} exists and is no socket`, { path });
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    if (!(await isServed(aside))) return;
    linkSync(aside, path);
    throw alreadyRunning(path);
  } finally {
    rmSync(aside, { force: true });
  }
}

function isServed(path: string): Promise<boolean> {
  return new Promise((answer, reject) => {
    const socket = dial(resolve(path));
    socket.once("connect", () => {
      socket.destroy();
      answer(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EACCES" || error.code === "EPERM") reject(error);
      else answer(false);
    });
  });
}

/** A system service is for the users who may use GPIO. */
function giveToGpioGroup(path: string): void {
  const group = gpioGroup();
  if (group !== null) chownSync(path, 0, group);
}

function alreadyRunning(path: string): HoldfastError {
  return new HoldfastError("ALREADY_RUNNING", `another supervisor serves ${path}`, { path });
}

function socketError(error: unknown, path: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") return alreadyRunning(path);
  if (code === "EACCES" || code === "EPERM") {
    return new HoldfastError(
      "PERMISSION_DENIED",
      `the socket ${path} can't be made or replaced: ${message}; choose another with --socket`,
      { path },
    );
  }
  return new HoldfastError("SOCKET_PATH", `the socket ${path} can't be made: ${message}`, { path });
}
