import { constants } from "node:os";
import { type ErrorCode, HoldfastError } from "../../protocol/errors.ts";
import type { LineGroupId, LineId } from "../backend.ts";
import { errnoName, SystemCallError } from "./libc.ts";

const { EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENXIO, EOPNOTSUPP, EPERM } = constants.errno;

/** The kernel's own ENOTSUPP (include/linux/errno.h), which some drivers let through to user space. */
const ENOTSUPP = 524;

/** What was asked of the kernel when it refused; the same errno says different things of different requests. */
export type Operation = "open" | "request" | "reconfigure" | "get" | "set" | "watch";

const codes: Readonly<Record<Operation, Readonly<Record<number, ErrorCode>>>> = {
  // A chip that is on its way out refuses to be opened in one of three ways, by how far it has gone.
  open: { [EACCES]: "PERMISSION_DENIED", [EPERM]: "PERMISSION_DENIED", [ENODEV]: "LINE_LOST", [ENXIO]: "LINE_LOST", [ENOENT]: "LINE_LOST" },
  request: {
    [EBUSY]: "LINE_BUSY",
    [EACCES]: "PERMISSION_DENIED",
    [EPERM]: "PERMISSION_DENIED",
    [EINVAL]: "LINE_UNSUPPORTED",
    [ENOTSUPP]: "LINE_UNSUPPORTED",
    [EOPNOTSUPP]: "LINE_UNSUPPORTED",
    // The line has no interrupt, so it can report no edges.
    [ENXIO]: "LINE_UNSUPPORTED",
    [ENODEV]: "LINE_LOST",
  },
  reconfigure: {
    [EINVAL]: "LINE_UNSUPPORTED",
    [ENOTSUPP]: "LINE_UNSUPPORTED",
    [EOPNOTSUPP]: "LINE_UNSUPPORTED",
    [ENXIO]: "LINE_UNSUPPORTED",
    [ENODEV]: "LINE_LOST",
  },
  get: { [ENODEV]: "LINE_LOST" },
  set: { [ENODEV]: "LINE_LOST" },
  watch: { [ENODEV]: "LINE_LOST" },
};

/** The code for `errno` when `operation` was refused; `LINE_FAILED` where the kernel's reason has none of its own. */
export function codeOf(errno: number, operation: Operation): ErrorCode {
  return codes[operation][errno] ?? "LINE_FAILED";
}

const attempts: Readonly<Record<Operation, string>> = {
  open: "be opened",
  request: "be requested",
  reconfigure: "be reconfigured",
  get: "be read",
  set: "be driven",
  watch: "be watched for edges",
};

/** `line 17 of /dev/gpiochip0`, `lines 17, 27 of /dev/gpiochip0`. */
export function describeLine(id: LineId | LineGroupId): string {
  return "offsets" in id ? `lines ${id.offsets.join(", ")} of ${id.chip}` : `line ${id.offset} of ${id.chip}`;
}

/**
 * What the kernel's refusal of `operation` on a line, or on a group, means to its holder.
 * @param consumer who has the line, when that is why; null when it did not say
 */
export function lineError(errno: number, operation: Operation, line: LineId | LineGroupId, consumer: string | null = null): HoldfastError {
  const code = codeOf(errno, operation);
  const where = describeLine(line);
  const [are, its] = "offsets" in line ? ["are", "their"] : ["is", "its"];
  const cause = { cause: new SystemCallError(operation, errno) };
  const details = { ...line };
  switch (code) {
    case "LINE_BUSY": {
      const holder = consumer === null ? "another program or a kernel driver" : `"${consumer}"`;
      return new HoldfastError(code, `${capital(where)} ${are} held by ${holder}; end that first.`, { ...details, consumer }, cause);
    }
    case "PERMISSION_DENIED":
      return permissionDenied([line.chip], details);
    case "LINE_LOST":
      return new HoldfastError(code, `${capital(where)} ${are} gone: ${its} chip was removed.`, details, cause);
    case "LINE_UNSUPPORTED":
      return new HoldfastError(
        code,
        `The kernel or the chip's driver refuses these settings of ${where} (${errnoName(errno)}).`,
        details,
        cause,
      );
    default:
      return new HoldfastError(
        code,
        `${capital(where)} cannot ${attempts[operation]} (${errnoName(errno)}).`,
        { ...details, errno },
        cause,
      );
  }
}

/**
 * Chip nodes that exist and may not be opened.
 * @param details what else is to be said: the line, where it was one that was asked for
 */
export function permissionDenied(paths: readonly string[], details: Partial<LineId | LineGroupId> = {}): HoldfastError {
  return new HoldfastError(
    "PERMISSION_DENIED",
    `This user may not open ${paths.join(", ")}. Where the gpio group owns it: sudo usermod -aG gpio $USER, then log in again.`,
    { ...details, paths },
  );
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
