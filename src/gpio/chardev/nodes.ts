import { lstatSync, readdirSync, statSync } from "node:fs";
import { constants } from "node:os";
import { HoldfastError } from "../../protocol/errors.ts";
import { codeOf } from "./errno.ts";
import { libc, O_RDWR, SystemCallError } from "./libc.ts";
import { encodeLineInfoQuery, ioctls } from "./uapi.ts";

const { EINVAL, ENOTTY } = constants.errno;

/** A name in /dev that leads to a chip. */
export interface ChipNode {
  readonly path: string;
  /** The device number behind it: equal for two names of one chip. */
  readonly device: number;
  readonly symlink: boolean;
}

/** The chips' device nodes, by what this process may do with them. */
export interface ChipPaths {
  /** These open. */
  readonly usable: readonly string[];
  /** These exist and may not be opened: `PERMISSION_DENIED`, never a reason to simulate. */
  readonly denied: readonly string[];
}

/**
 * One path for each chip, in the order of their numbers. Of several names of a chip the node itself counts:
 * Raspberry Pi OS links /dev/gpiochip4 to gpiochip0 on a Pi 5, for programs written before the number changed.
 */
export function distinctPaths(nodes: readonly ChipNode[]): string[] {
  const preferred = [...nodes].sort((a, b) => Number(a.symlink) - Number(b.symlink) || chipNumber(a.path) - chipNumber(b.path));
  const byDevice = new Map<number, string>();
  for (const { device, path } of preferred) {
    if (!byDevice.has(device)) byDevice.set(device, path);
  }
  return [...byDevice.values()].sort((a, b) => chipNumber(a) - chipNumber(b));
}

/** 4 of `/dev/gpiochip4`. */
export function chipNumber(path: string): number {
  return Number(path.slice(path.lastIndexOf("gpiochip") + "gpiochip".length));
}

/** The chips' nodes in /dev, by all their names. */
export function chipNodes(): ChipNode[] {
  const nodes: ChipNode[] = [];
  for (const name of readdirSync("/dev")) {
    if (!/^gpiochip\d+$/.test(name)) continue;
    const path = `/dev/${name}`;
    // Absent: a dangling link, or a chip that went while we looked.
    const stat = statSync(path, { throwIfNoEntry: false });
    const link = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isCharacterDevice()) nodes.push({ path, device: stat.rdev, symlink: link?.isSymbolicLink() ?? false });
  }
  return nodes;
}

/**
 * The chips of this machine, each one once, tried by opening them. A chip that is just going is in neither list.
 * @throws HoldfastError `NO_BACKEND` where libc cannot be called, `LINE_FAILED` when a node does not open for another reason
 */
export function chipPaths(): ChipPaths {
  const usable: string[] = [];
  const denied: string[] = [];
  for (const path of distinctPaths(chipNodes())) {
    try {
      libc().close(libc().open(path, O_RDWR));
      usable.push(path);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      const code = codeOf(error.errno, "open");
      if (code === "PERMISSION_DENIED") denied.push(path);
      else if (code !== "LINE_LOST") throw new HoldfastError("LINE_FAILED", `${path} cannot be opened (${error.message}).`, { chip: path });
    }
  }
  return { usable, denied };
}

/**
 * Which version of the GPIO interface the kernel speaks for the chip at `path`. holdfast needs 2, which Linux 5.10 brought
 * (GPIO_V2_GET_LINEINFO_IOCTL, include/uapi/linux/gpio.h); an older kernel does not know the request.
 * @throws SystemCallError when the node cannot be opened or asked
 */
export function uapiVersion(path: string): 1 | 2 {
  const fd = libc().open(path, O_RDWR);
  try {
    libc().ioctl(fd, ioctls.GPIO_V2_GET_LINEINFO_IOCTL, encodeLineInfoQuery(0));
    return 2;
  } catch (error) {
    if (error instanceof SystemCallError && (error.errno === ENOTTY || error.errno === EINVAL)) return 1;
    throw error;
  } finally {
    libc().close(fd);
  }
}
