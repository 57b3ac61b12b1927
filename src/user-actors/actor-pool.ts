import type { Frame } from "../client/frame.ts";
import type { FramePool } from "../client/frame-pool.ts";
import type { FrameStream } from "../client/frame-stream.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { PoolDeclaration } from "./declarations.ts";
import type { World } from "./world.ts";

/**
 * A pool from which a running actor takes frames, one at a time. With the policy `latest` each of them is asked for anew, so that none waits here
 * and grows old; with any other they queue from the first on.
 */
export class ActorPool {
  readonly #world: World;
  readonly #name: string;
  readonly #declaration: PoolDeclaration;
  #pool: FramePool | null = null;
  #stream: FrameStream | null = null;
  #held: Frame | null = null;
  #isWanted = false;
  #isFetching = false;
  #isOver = false;

  constructor(world: World, name: string, declaration: PoolDeclaration) {
    this.#world = world;
    this.#name = name;
    this.#declaration = declaration;
  }

  /** The machine wants a frame. While it holds one, or one is on its way, that is remembered. */
  take(): void {
    this.#isWanted = true;
    void this.#fetch();
  }

  /** The machine gives its frame back. */
  release(): void {
    const frame = this.#held;
    this.#held = null;
    if (frame === null) return;
    this.#giveBack(frame);
    void this.#fetch();
  }

  /** The actor ends. A frame that it holds, or that is on its way, is given back. */
  end(): void {
    this.#isOver = true;
    this.#isWanted = false;
    this.release();
    void this.#leave();
  }

  async #fetch(): Promise<void> {
    if (!this.#isWanted || this.#isFetching || this.#held !== null || this.#isOver) return;
    this.#isWanted = false;
    this.#isFetching = true;
    try {
      const frame = await this.#next();
      if (this.#isOver) frame[Symbol.dispose]();
      else this.#tell(frame);
    } catch (error) {
      void this.#leave();
      if (!this.#isOver) this.#world.trouble({ type: `${this.#name}.failed`, error: HoldfastError.from(error).toValue() }, error);
    } finally {
      this.#isFetching = false;
    }
    await this.#fetch();
  }

  async #next(): Promise<Frame> {
    const { consume, ...options } = this.#declaration;
    this.#pool ??= await this.#world.client.pool(consume);
    this.#stream ??= this.#pool.frames(options);
    const { done, value } = await this.#stream.next();
    if (!done) return value;
    throw new HoldfastError("POOL_GONE", `the frames of pool ${consume} have ended`, { pool: consume });
  }

  #tell(frame: Frame): void {
    this.#held = frame;
    frame.onRevoked = () => {
      if (this.#held === frame) this.#world.tell({ type: `${this.#name}.revoked`, seq: frame.seq });
    };
    const { seq, bytes, timestampNs, fourcc, width, height, stride, meta, lost } = frame;
    this.#world.tell({ type: `${this.#name}.frame`, frame, seq, bytes, timestampNs, fourcc, width, height, stride, meta, lost });
  }

  #giveBack(frame: Frame): void {
    // First the end of the subscription, or the next frame would come at once, to wait.
    const { policy = "latest" } = this.#declaration;
    if (policy === "latest") {
      void this.#stream?.return();
      this.#stream = null;
    }
    frame[Symbol.dispose]();
  }

  /** Another time all is asked for anew. */
  async #leave(): Promise<void> {
    const [stream, pool] = [this.#stream, this.#pool];
    this.#stream = null;
    this.#pool = null;
    await stream?.return();
    await pool?.close().catch(() => {});
  }
}
