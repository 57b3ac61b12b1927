import { chmodSync, existsSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Stage } from "../integration/processes.ts";

const DRIVER = "/sys/bus/platform/drivers/vivid";
/** The one camera that it has. */
const DEVICE = "vivid.0";

/** What it can be made to see, by the numbers that its control has for that. */
const patterns = { bars: 0, white: 6, red: 7, green: 8, blue: 9 } as const;

/**
 * The kernel's own virtual camera, vivid, seen from its outside: what is before its lens, whether it is plugged in, and what the kernel
 * knows of it. Nothing here goes through holdfast. There is one, and one test has it at a time.
 */
export class VirtualCamera implements Disposable {
  readonly path = "/dev/video0";
  readonly #stage: Stage;

  constructor(stage: Stage) {
    if (!existsSync(DRIVER)) throw new Error("this kernel has no vivid: run `make test-kernel`, which boots one that has");
    this.#stage = stage;
  }

  /** What is before its lens from now on: bars in the colours of a television's test picture, or one colour. */
  async show(pattern: keyof typeof patterns): Promise<void> {
    await this.#ask(`--set-ctrl=test_pattern=${patterns[pattern]}`);
  }

  /** The size and the format that the kernel has it deliver: `320x180 YU12`. */
  async format(): Promise<string> {
    const told = await this.#ask("--get-fmt-video");
    const size = /Width\/Height\s*: (\d+)\/(\d+)/.exec(told);
    return `${size?.[1]}x${size?.[2]} ${/Pixel Format\s*: '(\w+)'/.exec(told)?.[1]}`;
  }

  /** Has the kernel itself bring some frames. @returns whether it has: nobody else had it */
  async streams(): Promise<boolean> {
    // Its status is 0 whatever happens. For each frame it prints a mark.
    const { stdout, stderr } = await this.#stage.run("v4l2-ctl", "--device", this.path, "--stream-mmap", "--stream-count=3");
    return `${stdout}${stderr}`.includes("<<<");
  }

  /** Those who have it open, as processes. */
  holders(): number[] {
    return readdirSync("/proc").flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        const files = join("/proc", name, "fd");
        return readdirSync(files).some((file) => readlinkSync(join(files, file)).startsWith(this.path)) ? [Number(name)] : [];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
  }

  /** Takes it out, whoever has it. */
  unplug(): void {
    writeFileSync(join(DRIVER, "unbind"), DEVICE);
  }

  /** Puts it back. Nobody but root may use it. */
  plug(): void {
    writeFileSync(join(DRIVER, "bind"), DEVICE);
  }

  /** Lets everybody use it, or nobody but root. */
  permit(everybody: boolean): void {
    chmodSync(this.path, everybody ? 0o666 : 0o600);
  }

  [Symbol.dispose](): void {
    if (!existsSync(join(DRIVER, DEVICE))) this.plug();
    this.permit(false);
  }

  async #ask(option: string): Promise<string> {
    const { status, stdout, stderr } = await this.#stage.run("v4l2-ctl", "--device", this.path, option);
    if (status !== 0) throw new Error(`v4l2-ctl ${option}: ${stderr}`);
    return stdout;
  }
}
