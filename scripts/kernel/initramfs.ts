import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** What is in a guest's file system. */
export type GuestFile =
  | { readonly from: string; readonly mode?: number }
  /** Text of our own. */
  | { readonly text: string; readonly mode?: number };

/** The files of a guest by their paths there, which begin with no slash. The folders that lead to them come by themselves. */
export type GuestFiles = ReadonlyMap<string, GuestFile>;

/** The files of a folder of this machine, as they are to lie under `path` in a guest. Links are followed. */
export function folder(path: string, from: string): [string, GuestFile][] {
  return readdirSync(from, { withFileTypes: true }).flatMap((entry) => {
    const [inside, outside] = [join(path, entry.name), join(from, entry.name)];
    return statSync(outside).isDirectory() ? folder(inside, outside) : [[inside, { from: outside }] as [string, GuestFile]];
  });
}

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/**
 * Writes the archive that a kernel unpacks into its first file system (cpio's "newc": Documentation/driver-api/early-userspace/
 * buffer-format.rst). Not compressed, because unpacking costs an emulated processor more than copying.
 */
export async function writeInitramfs(path: string, files: GuestFiles): Promise<void> {
  const writer = Bun.file(path).writer();
  let number = 0;
  const add = (name: string, mode: number, content: Uint8Array) => {
    const fields = [++number, mode, 0, 0, 1, 0, content.byteLength, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`;
    writer.write(padded(Buffer.from(header)));
    writer.write(padded(content));
  };
  const folders = new Set<string>();
  const addFolder = (name: string) => {
    if (name === "." || folders.has(name)) return;
    addFolder(dirname(name));
    folders.add(name);
    add(name, S_IFDIR | 0o755, new Uint8Array());
  };
  for (const [name, file] of files) {
    addFolder(dirname(name));
    const content = "text" in file ? Buffer.from(file.text) : readFileSync(file.from);
    const mode = file.mode ?? ("from" in file ? statSync(file.from).mode & 0o777 : 0o644);
    add(name, S_IFREG | mode, content);
    await writer.flush();
  }
  add("TRAILER!!!", 0, new Uint8Array());
  await writer.end();
}

/** Every part begins at a multiple of 4 bytes. */
function padded(part: Uint8Array): Uint8Array {
  const missing = -part.byteLength & 3;
  return missing === 0 ? part : Buffer.concat([part, new Uint8Array(missing)]);
}
