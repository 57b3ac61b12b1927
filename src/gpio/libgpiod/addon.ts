import { createRequire } from "node:module";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Level } from "../../protocol/requests.ts";

/** As much of the package node-libgpiod 0.5 as is used here. What the kernel refuses it throws, with its `errno`. */
export interface Libgpiod {
  readonly Chip: new (number: number) => NativeChip;
  readonly Line: new (chip: NativeChip, offset: number) => NativeLine;
  readonly Bulk: new (chip: NativeChip, offsets: number[]) => NativeBulk;
}

/** A chip's open device. */
export interface NativeChip {
  readonly label: string;
  readonly numberOfLines: number;
}

/** What is known of a line. */
export interface NativeLine {
  readonly name: string | undefined;
  readonly consumer: string | undefined;
  readonly used: boolean;
  /** Asks the kernel anew. */
  update(): void;
}

/** Lines that are requested as one; also a single one. */
export interface NativeBulk {
  readonly values: readonly Level[];
  setValues(levels: readonly Level[]): void;
  request(config: { readonly requestType: number; readonly flags: number }): void;
  requestInputFlags(consumer: string, flags: number): void;
  requestOutputFlags(consumer: string, flags: number, levels: readonly Level[]): void;
  updateConfig(requestType: number, flags: number, levels?: readonly Level[]): void;
  release(): void;
}

const INSTALL = "sudo apt install libgpiod-dev g++ make python3 && npm install node-libgpiod@0.5";

/**
 * Loads the addon, which is no dependency of holdfast's: it is compiled where it is installed, against libgpiod 1.
 * @throws HoldfastError `NO_BACKEND`, saying what to install
 */
export function loadLibgpiod(): Libgpiod {
  if (process.versions.bun !== undefined) {
    throw new HoldfastError("NO_BACKEND", "node-libgpiod is an addon for Node. Under Bun there is ChardevBackend, which needs no package.");
  }
  let addon: Partial<Libgpiod>;
  try {
    addon = createRequire(import.meta.url)("node-libgpiod") as Partial<Libgpiod>;
  } catch (cause) {
    const [reason = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    throw new HoldfastError("NO_BACKEND", `The package node-libgpiod can't be loaded (${reason}). ${INSTALL}`, {}, { cause });
  }
  const { Chip, Line, Bulk } = addon;
  if (Chip && Line && Bulk) return { Chip, Line, Bulk };
  throw new HoldfastError("NO_BACKEND", `This version of node-libgpiod can't change lines that are open. ${INSTALL}`);
}
