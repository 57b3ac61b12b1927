import { constants } from "node:os";
import { HoldfastError } from "../../protocol/errors.ts";
import { type ChipInfo, type GpioBackend, type Line, type LineGroupId, type LineId, type LineSettings, offsetsOf } from "../backend.ts";
import { boardRevision } from "../board-revision.ts";
import { codeOf, permissionDenied } from "../chardev/errno.ts";
import { chipNodes, distinctPaths } from "../chardev/nodes.ts";
import { SysfsPwm } from "../pwm/outputs.ts";
import { type Libgpiod, loadLibgpiod } from "./addon.ts";
import { LibgpiodChip } from "./chip.ts";
import { errnoOf, LibgpiodLine, refusal } from "./line.ts";

const { EBUSY, ENODEV } = constants.errno;

/**
 * The lines of the machine's real chips under Node, through the package node-libgpiod, which the program installs beside holdfast.
 * It has no edges and no debouncing, and waves are played on the event loop: ChardevBackend, under Bun, has all that.
 */
export class LibgpiodBackend implements GpioBackend {
  readonly name = "libgpiod";
  readonly revision = boardRevision();
  readonly pwm = new SysfsPwm();
  readonly #addon: Libgpiod;
  readonly #chips = new Map<string, LibgpiodChip>();

  /**
   * @param options libgpiod: the package itself, where it can't be found from here, as in a bundle: `await import("node-libgpiod")`
   * @throws HoldfastError `NO_BACKEND`: it is not installed, or does not work here
   */
  constructor({ libgpiod = loadLibgpiod() }: { readonly libgpiod?: Libgpiod } = {}) {
    this.#addon = libgpiod;
  }

  /** A machine without chips has none to list; one whose chips may all not be opened is `PERMISSION_DENIED`. */
  chips(): readonly ChipInfo[] {
    const paths = distinctPaths(chipNodes());
    for (const path of this.#chips.keys()) if (!paths.includes(path)) this.#chips.delete(path);
    const denied: string[] = [];
    const infos = paths.flatMap((path) => {
      try {
        return [this.#describe(path)];
      } catch (error) {
        const code = codeOf(errnoOf(error) ?? 0, "open");
        if (code === "PERMISSION_DENIED") denied.push(path);
        else if (code !== "LINE_LOST")
          throw new HoldfastError("LINE_FAILED", `libgpiod does not describe ${path}.`, { chip: path }, { cause: error });
        return [];
      }
    });
    if (infos.length === 0 && denied.length > 0) throw permissionDenied(denied);
    return infos;
  }

  request(id: LineId | LineGroupId, settings: LineSettings, consumer: string): Line {
    const chip = this.#opened(id);
    try {
      return new LibgpiodLine(id, chip.bulk(id), settings, consumer);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === ENODEV) this.#chips.delete(id.chip);
      if (errno !== EBUSY) throw refusal(error, "request", id);
      const { offset, consumer: holder } = chip.busy(offsetsOf(id)) ?? {};
      throw refusal(error, "request", offset === undefined ? id : { chip: id.chip, offset }, holder);
    }
  }

  close(): void {}

  #opened(id: LineId | LineGroupId): LibgpiodChip {
    try {
      return this.#open(id.chip);
    } catch (error) {
      throw refusal(error, "open", id);
    }
  }

  #open(path: string): LibgpiodChip {
    const chip = this.#chips.get(path) ?? new LibgpiodChip(this.#addon, path);
    this.#chips.set(path, chip);
    return chip;
  }

  #describe(path: string): ChipInfo {
    const known = this.#chips.has(path);
    try {
      return this.#open(path).describe();
    } catch (error) {
      this.#chips.delete(path);
      // Another chip may have come to where the known one was.
      if (known) return this.#describe(path);
      throw error;
    }
  }
}
