import { crc32 } from "node:zlib";

/** A file in an archive. */
export interface ZipEntry {
  readonly path: string;
  readonly content: Buffer;
}

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END = 0x06054b50;

/** A plain file that its owner may write and everyone may read, as Unix has it. */
const MODE = 0o100644;
const MADE_ON_UNIX = 3 << 8;
const VERSION = 20;
/** The first of January 1980, the beginning of time in archives: the same files make the same bytes, whenever. */
const DATE = 0x0021;

/** A zip archive (APPNOTE.TXT of PKWARE, 4.3) of files that are not compressed: the same bytes on every machine. Names are ASCII. */
export function storedZip(entries: readonly ZipEntry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, content } of entries) {
    const name = Buffer.from(path, "ascii");
    // What both headers say: version, flags, method, time, date, check sum, size twice, length of the name, of what is extra.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(VERSION, 0);
    common.writeUInt16LE(DATE, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    files.push(word(LOCAL_HEADER), common, name, content);
    // Comment, disk and internal attributes are nothing; then external attributes and where the file is.
    const more = Buffer.alloc(14);
    more.writeUInt32LE((MODE << 16) >>> 0, 6);
    more.writeUInt32LE(offset, 10);
    directory.push(word(CENTRAL_HEADER), half(MADE_ON_UNIX | VERSION), common, more, name);
    offset += 4 + common.length + name.length + content.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...files, central, word(END), end]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function half(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
