import { readFile } from "node:fs/promises";
import { HoldfastError } from "../protocol/errors.ts";
import { DEFAULT_CONFIG_PATH } from "./default-path.ts";
import { type Config, parseConfig } from "./parse-config.ts";

/** A configuration, and where it came from. */
export interface FoundConfig {
  /** null: there was no file, and everything is as it is by default. */
  readonly file: string | null;
  readonly config: Config;
}

/**
 * Reads the configuration: the file that is named, or else the default one where there is such a file.
 * @throws HoldfastError `BAD_CONFIG`; `PERMISSION_DENIED`
 */
export async function readConfig(path?: string, otherwise = DEFAULT_CONFIG_PATH): Promise<FoundConfig> {
  const file = path ?? otherwise;
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (path === undefined && (code === "ENOENT" || code === "ENOTDIR")) {
      return { file: null, config: { limits: {}, frames: {}, pools: {} } };
    }
    const details = { file };
    if (code === "ENOENT") throw new HoldfastError("BAD_CONFIG", `there is no configuration file ${file}`, details, { cause });
    if (code === "EISDIR") throw new HoldfastError("BAD_CONFIG", `${file} is a folder, and no configuration file`, details, { cause });
    if (code === "EACCES" || code === "EPERM") {
      throw new HoldfastError("PERMISSION_DENIED", `the configuration file ${file} may not be read`, { path: file }, { cause });
    }
    throw new HoldfastError("BAD_CONFIG", `the configuration file ${file} can't be read: ${message}`, details, { cause });
  }
  return { file, config: parseConfig(textOf(bytes, file), file) };
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HoldfastError("BAD_CONFIG", `${file} is not text in UTF-8`, { file }, { cause });
  }
}
