import type { AddressInfo, Server } from "node:net";
import type { AccessRules } from "../access/access-rules.ts";
import type { Clock } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { Log } from "../supervisor/surroundings.ts";

/** Where others than this process find the supervisor. */
export interface Listener {
  /** Takes no more clients, and resolves when the last connection has ended. */
  close(): Promise<void>;
  /**
   * Whether it can go on as it is, by the rules and the files as they are now; false: it must be opened anew. Absent: it always can.
   * @throws HoldfastError `BAD_CONFIG`: it must not be open by them
   */
  review?(): boolean;
}

/** What every listener is given beside its settings. */
export interface ListenerParts {
  readonly supervisor: Supervisor;
  readonly rules: AccessRules;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
}

/**
 * Listens on a TCP port.
 * @param port 0: one that is free
 * @param key of the configuration's table that asks for it: `listen.pigpio`
 * @returns the port
 * @throws HoldfastError `ADDRESS_IN_USE`, `PERMISSION_DENIED`, `BAD_CONFIG`
 */
export function listenOn(server: Server, address: string, port: number, key: string): Promise<number> {
  return new Promise((listening, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, address, port, key)));
    server.listen({ host: address, port }, () => {
      server.removeAllListeners("error");
      listening((server.address() as AddressInfo).port);
    });
  });
}

function listenError({ code, message }: NodeJS.ErrnoException, address: string, port: number, key: string): HoldfastError {
  const details = { key: `${key}.${code === "EADDRNOTAVAIL" ? "address" : "port"}`, address, port };
  const where = `${address}, port ${port}`;
  if (code === "EADDRINUSE") return new HoldfastError("ADDRESS_IN_USE", `${key}: another program listens on ${where}`, details);
  if (code === "EACCES") return new HoldfastError("PERMISSION_DENIED", `${key}: this user may not listen on ${where}`, details);
  if (code === "EADDRNOTAVAIL") return new HoldfastError("BAD_CONFIG", `${key}.address: this machine has no address ${address}`, details);
  return new HoldfastError("BAD_CONFIG", `${key}: nothing can listen on ${where}: ${message}`, details);
}
