import { type ErrorCode, HoldfastError } from "../../protocol/errors.ts";
import type { PwmChannelId } from "../backend.ts";

/** What was asked of sysfs when it refused. */
export type PwmOperation = "export" | "set" | "read";

const codes: Readonly<Record<string, ErrorCode>> = {
  EACCES: "PERMISSION_DENIED",
  EPERM: "PERMISSION_DENIED",
  EROFS: "PERMISSION_DENIED",
  ENOENT: "LINE_LOST",
  ENODEV: "LINE_LOST",
  EINVAL: "LINE_UNSUPPORTED",
  ERANGE: "LINE_UNSUPPORTED",
  EOPNOTSUPP: "LINE_UNSUPPORTED",
  ENOSYS: "LINE_UNSUPPORTED",
  EBUSY: "LINE_BUSY",
};

/**
 * What sysfs's refusal means to the holder of a channel.
 * @param errno its name
 * @param more the consumer that has the channel, when that is why and is known; and what was thrown
 */
export function channelError(
  errno: string,
  operation: PwmOperation,
  { chip, channel }: PwmChannelId,
  { consumer = null, cause }: { readonly consumer?: string | null; readonly cause?: unknown } = {},
): HoldfastError {
  const where = `channel ${channel} of ${chip}`;
  const details = { chip, channel };
  // A value that is out of order is no other user: only the export is refused for one.
  const code = errno === "EBUSY" && operation !== "export" ? "LINE_FAILED" : (codes[errno] ?? "LINE_FAILED");
  switch (code) {
    case "LINE_BUSY": {
      const holder =
        consumer === null ? "a kernel driver, such as a fan's (/sys/kernel/debug/pwm names it)" : `another pin of "${consumer}"`;
      return new HoldfastError(code, `PWM ${where} is held by ${holder}.`, { ...details, consumer }, { cause });
    }
    case "PERMISSION_DENIED": {
      const remedy =
        errno === "EROFS"
          ? "/sys is mounted read-only, as in a container."
          : "Run the supervisor as root, or let udev give PWM to the group gpio: docs/hardware.md has the rule.";
      return new HoldfastError(code, `This user may not write to PWM ${where}. ${remedy}`, { ...details, paths: [chip] }, { cause });
    }
    case "LINE_LOST":
      return new HoldfastError(code, `PWM ${where} is gone: its chip was removed, or another program has unexported it.`, details, {
        cause,
      });
    case "LINE_UNSUPPORTED":
      return new HoldfastError(code, `The driver of PWM ${where} refuses this frequency or polarity (${errno}).`, details, { cause });
    default:
      return new HoldfastError(code, `PWM ${where} refuses (${errno}).`, { ...details, errno }, { cause });
  }
}
