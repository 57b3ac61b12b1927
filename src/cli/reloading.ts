import { resolve } from "node:path";
import { inFile } from "../config/in-file.ts";
import type { Config } from "../config/parse-config.ts";
import { type FoundConfig, readConfig } from "../config/read-config.ts";
import type { EmbeddedSupervisor, SupervisorOptions } from "../create-supervisor.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ServeFlags } from "./serve.ts";
import type { ServeLog } from "./serve-log.ts";

/** What the file says and may say anew; options of the command line win over it. */
export function operatorSettings(
  { limits, pins, pools, processes, cameras, actors, listen, access }: Config,
  { limit, maxOn, actors: folder, watch }: Pick<ServeFlags, "limit" | "maxOn" | "actors" | "watch">,
) {
  const options = { ...limit, ...(maxOn !== undefined && { maxOnMs: maxOn }) };
  const said = { ...actors, ...(folder !== undefined && { folder: resolve(folder) }), ...(watch && { watch }) };
  return {
    limits: { ...limits, ...options },
    pins,
    pools,
    processes,
    cameras,
    actors: said,
    listen,
    access,
  } satisfies Partial<SupervisorOptions>;
}

/** Mistakes in the file of an actor: nothing is wrong with the configuration, which is in force. */
const ofActors: ReadonlySet<string> = new Set(["BAD_ACTOR", "ACTOR_FAILED"]);

/** Reads the configuration again and has the supervisor obey it. A file with a mistake is refused as a whole, and the log says why. */
export class Reloading {
  readonly #supervisor: Promise<EmbeddedSupervisor>;
  readonly #flags: ServeFlags;
  readonly #log: ServeLog;
  /** Where pools are made. */
  readonly #directory: string | undefined;
  #file: string | undefined;

  /** @param found what the supervisor is started with */
  constructor(supervisor: Promise<EmbeddedSupervisor>, { source, config }: FoundConfig, flags: ServeFlags, log: ServeLog) {
    this.#supervisor = supervisor;
    this.#directory = config.frames.directory;
    this.#file = flags.config ?? source?.file;
    this.#flags = flags;
    this.#log = log;
  }

  /**
   * @throws HoldfastError what is wrong with the file, which is refused then as a whole, or with the file of an actor; the log has been told of it
   */
  async reload(): Promise<void> {
    const supervisor = await this.#supervisor;
    this.#log.info({ config: this.#file ?? null }, "told to read the configuration again");
    try {
      // One that was there once is missed.
      const found = await readConfig(this.#file);
      await supervisor.reconfigure(operatorSettings(found.config, this.#flags)).catch((error) => {
        throw found.source === null ? error : inFile(error, found.source);
      });
      this.#file ??= found.source?.file;
      this.#tellOfRestart(found.config);
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      const { code, message, details } = error;
      if (!ofActors.has(code)) {
        this.#log.error({ ...details, code, reason: message }, "the configuration is refused; what was in force stays in force");
      }
      throw error;
    }
  }

  #tellOfRestart({ frames: { directory } }: Config): void {
    if (directory === this.#directory) return;
    this.#log.warn({ key: "frames.directory" }, "this holds from the next start on: until then pools are made where they were");
  }
}
