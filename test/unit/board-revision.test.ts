import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boardRevision } from "../../src/gpio/board-revision.ts";

/** What a machine says of itself, in place of /proc. */
function machine({ tree, cpuInfo }: { readonly tree?: Uint8Array; readonly cpuInfo?: string }): string {
  const root = mkdtempSync(join(tmpdir(), "holdfast-revision-"));
  mkdirSync(join(root, "device-tree/system"), { recursive: true });
  if (tree !== undefined) writeFileSync(join(root, "device-tree/system/linux,revision"), tree);
  if (cpuInfo !== undefined) writeFileSync(join(root, "cpuinfo"), cpuInfo);
  return root;
}

function revisionOf(says: Parameters<typeof machine>[0]): number | null {
  const root = machine(says);
  try {
    return boardRevision(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe("the revision of the board", () => {
  test("is what the device tree says", () => {
    expect(revisionOf({ tree: Uint8Array.of(0x00, 0xc0, 0x41, 0x70), cpuInfo: "Revision\t: a02082\n" })).toBe(0xc04170);
  });

  test("is what the processor's description says where the tree says nothing", () => {
    const cpuInfo = "processor\t: 0\nCPU revision\t: 3\n\nHardware\t: BCM2835\nRevision\t: a02082\nSerial\t\t: 00000000f00dcafe\n";
    expect(revisionOf({ cpuInfo })).toBe(0xa02082);
    expect(revisionOf({ tree: new Uint8Array(4), cpuInfo })).toBe(0xa02082);
  });

  test("is unknown on any other machine", () => {
    expect(revisionOf({})).toBe(null);
    expect(revisionOf({ tree: new Uint8Array(2), cpuInfo: "model name\t: some other\nCPU revision\t: 3\n" })).toBe(null);
  });
});
