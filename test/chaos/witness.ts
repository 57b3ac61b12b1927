import { connect, type Frame, type HoldfastClient } from "../../src/index.ts";
import { identityIn, look } from "./content.ts";

/** How long to wait for a frame to hold, in ms. */
const PATIENCE_MS = 500;

/** A reader in the test's own process that holds one frame while something is done to its pool or to the supervisor. */
export class Witness implements AsyncDisposable {
  readonly #client: HoldfastClient;
  readonly #frame: Frame | null;

  private constructor(client: HoldfastClient, frame: Frame | null) {
    this.#client = client;
    this.#frame = frame;
  }

  static async of(socket: string, poolName: string): Promise<Witness> {
    const client = await connect({ socket, name: "witness" });
    const pool = await client.pool(poolName);
    const next = pool
      .frames({ startWithLatest: true })
      .next()
      .then(
        ({ value }) => value ?? null,
        () => null,
      );
    const frame = await Promise.race([next, Bun.sleep(PATIENCE_MS).then(() => null)]);
    // What it holds stays, whatever it lets go of itself.
    await pool.close();
    return new Witness(client, frame);
  }

  /** Whether it has got one. */
  get hasFrame(): boolean {
    return this.#frame !== null;
  }

  /** What is wrong with the frame now; null: nothing is. */
  get complaint(): string | null {
    if (this.#frame === null) return null;
    const found = look(this.#frame.data, identityIn(this.#frame.meta));
    if (found === "right" && this.#frame.intact()) return null;
    return `a frame that was held while its pool or supervisor went was ${found}, and ${this.#frame.intact() ? "" : "not "}intact`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#frame?.[Symbol.dispose]();
    await this.#client.close();
  }
}
