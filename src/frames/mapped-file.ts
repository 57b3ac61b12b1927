import { closeSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { openLibc } from "../libc.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { PoolLayout } from "../protocol/replies.ts";
import { slotWords } from "./layout.ts";
import type { Access, PoolMapping, SlotMemory } from "./mapping.ts";
import { closedPool, fileBytesOf, openPoolFile, payloadAt } from "./pool-file.ts";

/** mmap(2). */
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;

/** In bytes; a file may be longer. */
const LONGEST_BUFFER = 2 ** 32 - 1;

type Address = number & { readonly __pointer__: null };
/** What bun-types leaves out: who is called when the buffer is collected, and with what beside its address. */
type ToOwnedArrayBuffer = (at: Address, offset: number, bytes: number, context: number, deallocator: number) => ArrayBuffer;

/** A buffer as it is in Bun; Node 20 has no such methods. */
type Transferable = ArrayBuffer & { readonly detached: boolean; transfer(bytes: number): ArrayBuffer };

let opened: ReturnType<typeof openMmap> | null = null;

function openMmap() {
  return openLibc({
    mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
    munmap: { args: ["ptr", "u64"], returns: "i32" },
  });
}

/**
 * Which mapping each view shows. A mapping is undone when nothing in the program refers to it any more; touching a view after that
 * would end the process. So each buffer that was ever handed out keeps its mapping, even detached: an operation that began before may
 * still use its memory.
 */
const mappingOf = new WeakMap<ArrayBuffer, object>();

/** Mappings whose memory went to a buffer that we don't know: the program has transferred ours. They stay for good. */
const escaped = new Set<object>();

/** A word of this thread, by which it orders what it loads. */
const fence = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/**
 * Nothing that comes behind it is loaded before what comes before it: a store with release and a load with acquire keep their order.
 * `Atomics.load` of the file itself would end the process once it is compiled: JavaScriptCore makes it add 0 to the word, and consumers
 * may not store.
 */
function loadBarrier(): void {
  Atomics.store(fence, 0, 0);
  Atomics.load(fence, 0);
}

/** A pool's file, mapped into this process: nothing is copied. Bun only. */
export class MappedFile implements PoolMapping {
  readonly layout: PoolLayout;
  readonly #address: Address;
  /** The headers. Their buffer undoes the mapping when it is collected, and is not handed out. */
  readonly #words: Uint32Array;
  readonly #bytes: number;
  /** Slots that the program has in its hands, or of which a view could not be taken from it. */
  #held = 0;
  #isClosed = false;
  /** The file's memory is not at the address any more. */
  #isGone = false;

  /** @throws HoldfastError `NO_BACKEND` without FFI; `POOL_GONE`, `PERMISSION_DENIED`, `MEMORY_FAILED` */
  constructor(layout: PoolLayout, access: Access) {
    opened ??= openMmap();
    const { symbols, errno, toArrayBuffer } = opened;
    this.layout = layout;
    this.#bytes = fileBytesOf(layout);
    const protection = access === "write" ? PROT_READ | PROT_WRITE : PROT_READ;
    const fd = openPoolFile(layout, access);
    const address = symbols.mmap(null, this.#bytes, protection, MAP_SHARED, fd, 0);
    const failure = errno[0] ?? 0;
    closeSync(fd);
    if (typeof address !== "number") {
      throw new HoldfastError("MEMORY_FAILED", `${layout.path} cannot be mapped: ${getSystemErrorName(-failure)}`, { path: layout.path });
    }
    this.#address = address;
    // munmap takes the address and the length, as a deallocator takes the bytes and its context. The buffer has the file's length, so
    // that the collector knows how much memory there is: each view counts as much as it is long, and beside a heap that seems small every
    // frame would bring a collection.
    const length = Math.min(this.#bytes, LONGEST_BUFFER);
    const { ptr: undo } = symbols.munmap as unknown as { readonly ptr: number };
    const whole = (toArrayBuffer as ToOwnedArrayBuffer)(address, 0, length, this.#bytes, undo);
    this.#words = new Uint32Array(whole, 0, layout.payloadOffset / Uint32Array.BYTES_PER_ELEMENT);
  }

  slot(slot: number, bytes: number): SlotMemory {
    this.#assertThere();
    const offset = payloadAt(this.layout, slot, bytes);
    this.#held++;
    return new MappedSlot(this, slot, offset, bytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#letGo();
  }

  /** A slot is not in the program's hands any more, and nobody has a view of it. */
  ended(): void {
    this.#held--;
    this.#letGo();
  }

  /**
   * Gives the file's memory back without waiting for the collector: a removed pool would occupy it for so long. Empty memory takes its
   * place at the same address, so that whoever still had it there would find zeros, and not the end of the process. It is read-only, for
   * which the kernel sets no memory aside and so can't fail.
   */
  #letGo(): void {
    if (!this.#isClosed || this.#held > 0 || this.#isGone) return;
    this.#isGone = true;
    const empty = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
    (opened as ReturnType<typeof openMmap>).symbols.mmap(this.#address, this.#bytes, PROT_READ, empty, -1, 0);
  }

  /** A buffer over a part of the file, which keeps the mapping. @throws HoldfastError `DISCONNECTED` */
  view(offset: number, bytes: number): Transferable {
    this.#assertThere();
    const { toArrayBuffer } = opened as ReturnType<typeof openMmap>;
    const buffer = bytes === 0 ? new ArrayBuffer(0) : (toArrayBuffer(this.#address, offset, bytes) as ArrayBuffer);
    mappingOf.set(buffer, this);
    return buffer as Transferable;
  }

  /** The generation in a slot's header, after all that this thread has loaded before. */
  generationOf(slot: number): number {
    const { headerOffset, headerStride } = this.layout;
    loadBarrier();
    return this.#words[(headerOffset + slot * headerStride + slotWords.generation) / Uint32Array.BYTES_PER_ELEMENT] as number;
  }

  /** A view of what is there instead would show zeros, and to write to it would end the process. */
  #assertThere(): void {
    if (this.#isGone) throw closedPool(this.layout.pool);
  }
}

class MappedSlot implements SlotMemory {
  readonly #file: MappedFile;
  readonly #slot: number;
  readonly #offset: number;
  readonly #bytes: number;
  #data: Uint8Array<Transferable> | null = null;
  #isEnded = false;

  constructor(file: MappedFile, slot: number, offset: number, bytes: number) {
    this.#file = file;
    this.#slot = slot;
    this.#offset = offset;
    this.#bytes = bytes;
  }

  // Made when it is asked for: a large view, however little it takes, brings the collector.
  get data(): Uint8Array {
    this.#data ??= new Uint8Array(this.#file.view(this.#offset, this.#bytes));
    return this.#data;
  }

  intact(generation: number): boolean {
    return this.#file.generationOf(this.#slot) === generation >>> 0;
  }

  flush(): void {
    // Other processes have the same memory.
  }

  detach(): boolean {
    const buffer = this.#data?.buffer;
    if (buffer === undefined) return true;
    if (buffer.detached) {
      escaped.add(this.#file);
      return false;
    }
    // Nothing happens to a buffer that an operation under way holds where it is.
    buffer.transfer(0);
    if (!buffer.detached) return false;
    this.#data = null;
    return true;
  }

  end(): boolean {
    if (!this.detach()) return false;
    if (!this.#isEnded) this.#file.ended();
    this.#isEnded = true;
    return true;
  }
}
