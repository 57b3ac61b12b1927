import { install } from "./debian.ts";
import { hostProgram } from "./host-program.ts";
import type { GuestFile } from "./initramfs.ts";

/**
 * Debian's ffmpeg, which cameras are captured with, v4l2-ctl, which asks the kernel about them, and setpriv, which runs a program as
 * somebody who is not root: this machine's, for a guest of the same architecture.
 */
export async function cameraPrograms(): Promise<[string, GuestFile][]> {
  await install("ffmpeg", "v4l-utils", "util-linux");
  return (await Promise.all(["ffmpeg", "v4l2-ctl", "setpriv"].map((name) => hostProgram(`/usr/bin/${name}`)))).flat();
}
