import type { Frame } from "../client/frame.ts";
import type { FramePool } from "../client/frame-pool.ts";
import type { FrameStream } from "../client/frame-stream.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { PoolDeclaration } from "./declarations.ts";
import { refusedDeclaration } from "./refused-declaration.ts";
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
  /** The one that is on its way is not wanted any more. */
  #isCalledOff = false;
  #isOver = false;

  constructor(world: World, name: string, declaration: PoolDeclaration) {
    this.#world = world;
    this.#name = name;
    this.#declaration = declaration;
  }

  /** The machine wants a frame. While it holds one, or one is on its way, that is remembered. */
  take(): void {
    if (this.#isCalledOff) this.#isCalledOff = false;
    else this.#isWanted = true;
    void this.#fetch();
  }

  /** The machine gives its frame back. One that has not come yet it does not want any more. */
  release(): void {
    const frame = this.#held;
    this.#held = null;
    if (frame === null) {
      this.#isCalledOff = this.#isFetching;
      this.#isWanted = false;
      return;
    }
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
      const isWelcome = this.#arrived();
      if (this.#isOver) frame[Symbol.dispose]();
      else if (isWelcome) this.#tell(frame);
      else this.#giveBack(frame);
    } catch (thrown) {
      const isWelcome = this.#arrived();
      void this.#leave();
      const error = refusedDeclaration(this.#name, thrown);
      if (isWelcome && !this.#isOver) this.#world.trouble({ type: `${this.#name}.failed`, error: error.toValue() }, error);
    }
    await this.#fetch();
  }

  /** Nothing is on its way any more. @returns whether what was is still wanted */
  #arrived(): boolean {
    const isWelcome = !this.#isCalledOff;
    this.#isFetching = false;
    this.#isCalledOff = false;
    return isWelcome;
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
    const { seq, bytes, timestampNs, fourcc, width, height, stride, meta, lost } = frame;
    const event = { type: `${this.#name}.frame`, frame, seq, bytes, timestampNs, fourcc, width, height, stride, meta, lost };
    // A machine that has moved on meanwhile would never give back what it has not seen.
    if (!this.#world.foresees(event)) return this.#giveBack(frame);
    this.#held = frame;
    frame.onRevoked = () => {
      if (this.#held === frame) this.#world.tell({ type: `${this.#name}.revoked`, seq });
    };
    this.#world.tell(event);
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
