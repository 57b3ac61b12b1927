import { readFileSync } from "node:fs";

/** A socket that listens (enum of net/tcp_states.h), as proc_pid_net(5) has it: TCP_LISTEN. */
const LISTENING = "0A";

/** Whether a program listens on a port already so that nobody else can. Nothing is opened for it. @param address of this machine, IPv4 or IPv6 */
export function isTaken(address: string, port: number): boolean {
  const wanted = address === "localhost" ? "127.0.0.1" : address;
  return [...listeners("/proc/net/tcp"), ...listeners("/proc/net/tcp6")].some(
    (other) => other.port === port && (other.isAll || isAll(wanted) || other.address === kernelsForm(wanted)),
  );
}

function listeners(path: string): { readonly address: string; readonly port: number; readonly isAll: boolean }[] {
  return read(path)
    .split("\n")
    .flatMap((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      return state === LISTENING ? [{ address, port: Number.parseInt(port, 16), isAll: /^0+$/.test(address) }] : [];
    });
}

function isAll(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** The bytes of an address in the order of this machine, word by word; these machines have the lowest first. An IPv6 address other than ::1 has none here. */
function kernelsForm(address: string): string | null {
  if (address === "::1") return `${"0".repeat(24)}01000000`;
  if (!/^[\d.]+$/.test(address)) return null;
  const bytes = address.split(".").reverse();
  return bytes.map((byte) => Number(byte).toString(16).padStart(2, "0").toUpperCase()).join("");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
