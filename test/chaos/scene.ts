import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { connect, type HoldfastClient, type PoolInfo } from "../../src/index.ts";
import { eventually, type ServeProcess, Stage } from "../integration/processes.ts";
import { wrongIn } from "./audit.ts";

/** As many as all who use them need, and a few more. */
const FIXED_SLOTS = 36;
const SPARE_SLOTS = 24;
const SLOT_BYTES = 64 * 1024;

/** The pool that the configuration makes, and the one that this test makes, and removes. */
export const FIXED = "cam";
export const SPARE = "spare";

/** A supervisor that is killed and started again, its pools, and the folder of their files. */
export class Scene implements AsyncDisposable {
  /** In memory, as pools are, where there is such a folder. */
  readonly folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "holdfast-chaos-"));
  readonly faults: string[] = [];
  readonly #stage = new Stage();
  #supervisor: ServeProcess | null = null;
  #client: HoldfastClient | null = null;

  get socket(): string {
    return this.#stage.socket;
  }

  /** Of the test itself, to the supervisor that runs now. */
  get client(): HoldfastClient {
    if (this.#client === null) throw new Error("the supervisor does not run");
    return this.#client;
  }

  get supervisor(): ServeProcess {
    if (this.#supervisor === null) throw new Error("the supervisor does not run");
    return this.#supervisor;
  }

  /** Starts a supervisor. Files of one that was killed are gone when it is ready. */
  async start(): Promise<void> {
    const config = join(this.#stage.folder, "chaos.toml");
    writeFileSync(config, `[frames]\ndirectory = "${this.folder}"\n[pool.${FIXED}]\nslots = ${FIXED_SLOTS}\nbytes = ${SLOT_BYTES}\n`);
    this.#supervisor = await this.#stage.serve("--config", config);
    this.#client = await connect({ socket: this.socket, name: "test" });
    const wanted = (await this.client.pools()).map(({ layout }) => basename(layout.path));
    const left = this.files.filter((name) => !wanted.includes(name));
    if (left.length > 0) this.faults.push(`files are left of a supervisor that was killed: ${left.join(" ")}`);
    await this.makeSpare();
  }

  async makeSpare(): Promise<void> {
    await this.client.createPool(SPARE, { slots: SPARE_SLOTS, bytes: SLOT_BYTES });
  }

  /** Kills the supervisor. */
  async kill(): Promise<void> {
    const { supervisor } = this;
    supervisor.kill("SIGKILL");
    await supervisor.ended();
    this.#heed(supervisor);
    await this.#client?.close();
    this.#supervisor = null;
    this.#client = null;
  }

  /** The pools as they are now; what is wrong with them is noted. */
  async pools(): Promise<PoolInfo[]> {
    const pools = await this.client.pools();
    this.faults.push(...wrongIn(pools));
    return pools;
  }

  /** Ends the supervisor softly when nobody holds anything any more; nothing may be left then. */
  async end(): Promise<void> {
    let pools: PoolInfo[] = [];
    await eventually("every slot is free, or has a frame in it that nobody reads", async () => {
      pools = await this.pools();
      return pools.every(({ slots }) => slots.every(({ state }) => state === "free" || state === "ready"));
    }).catch((error) => this.faults.push(`${error.message}: ${JSON.stringify(pools.map(({ slots }) => slots))}`));
    const { supervisor } = this;
    supervisor.kill("SIGTERM");
    const status = await supervisor.ended();
    if (status !== 0) this.faults.push(`the supervisor has ended with status ${status}`);
    this.#heed(supervisor);
    if (this.files.length > 0) this.faults.push(`files are left in shared memory: ${this.files.join(" ")}`);
    if (existsSync(this.socket)) this.faults.push("the socket is left");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stage[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get files(): readonly string[] {
    return readdirSync(this.folder);
  }

  /** An error in its log is a defect of the supervisor's: clients' errors go to the clients. */
  #heed({ errors }: ServeProcess): void {
    this.faults.push(...errors.split("\n").filter((line) => /"level":"(error|fatal)"/.test(line) || /panic|assert/i.test(line)));
  }
}
