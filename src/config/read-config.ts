import { type FileHandle, open, stat } from "node:fs/promises";
import { formatBytes } from "../frames/bytes-in-words.ts";
import { badConfig } from "../protocol/assert-config.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { DEFAULT_CONFIG_PATH } from "./default-path.ts";
import { type ConfigFile, inFile } from "./in-file.ts";
import { type Config, parseConfig } from "./parse-config.ts";

/** No configuration is as long, in bytes. */
const LONGEST_BYTES = 1_000_000;

/** A configuration, and where it came from. */
export interface FoundConfig {
  /** null: there was none, and everything is as it is by default. */
  readonly source: ConfigFile | null;
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
    await using opened = await open(file);
    bytes = await contentsOf(opened, file);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (path === undefined && (code === "ENOENT" || code === "ENOTDIR")) {
      return {
        source: null,
        config: { limits: {}, frames: {}, pools: {}, pins: {}, processes: {}, cameras: {}, actors: {}, listen: {}, access: {} },
      };
    }
    const details = { file };
    if (code === "ENOENT") throw new HoldfastError("BAD_CONFIG", `there is no configuration file ${file}`, details, { cause });
    if (code === "EISDIR") throw new HoldfastError("BAD_CONFIG", `${file} is a folder, and no configuration file`, details, { cause });
    if (code === "EACCES" || code === "EPERM") {
      throw new HoldfastError("PERMISSION_DENIED", `the configuration file ${file} may not be read`, { path: file }, { cause });
    }
    throw new HoldfastError("BAD_CONFIG", `the configuration file ${file} can't be read: ${message}`, details, { cause });
  }
  const source = { file, text: textOf(bytes, file) };
  const config = parseConfig(source.text, file);
  await assertFolder(config).catch((error) => {
    throw inFile(error, source);
  });
  return { source, config };
}

/** The whole file, as far as one is as long as that: /dev/zero has no end. @throws HoldfastError `BAD_CONFIG` */
async function contentsOf(opened: FileHandle, file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(LONGEST_BYTES + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    ({ bytesRead: read } = await opened.read(bytes, length, bytes.length - length));
  }
  if (length > LONGEST_BYTES) {
    throw new HoldfastError("BAD_CONFIG", `${file} is no configuration file: it is longer than ${formatBytes(LONGEST_BYTES)}`, { file });
  }
  return bytes.subarray(0, length);
}

/** A supervisor without pools would else learn of it with the first one. @throws HoldfastError `BAD_CONFIG` */
async function assertFolder({ frames: { directory } }: Config): Promise<void> {
  if (directory === undefined) return;
  const found = await stat(directory).catch(({ code }: NodeJS.ErrnoException) => code);
  if (found === "ENOENT" || found === "ENOTDIR") throw badConfig("frames.directory", `there is no folder ${directory}`);
  if (typeof found === "object" && !found.isDirectory()) throw badConfig("frames.directory", `${directory} is no folder`);
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HoldfastError("BAD_CONFIG", `${file} is not text in UTF-8`, { file }, { cause });
  }
}
