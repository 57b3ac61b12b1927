import { inFile } from "../config/in-file.ts";
import type { Config } from "../config/parse-config.ts";
import { type FoundConfig, readConfig } from "../config/read-config.ts";
import type { EmbeddedSupervisor, SupervisorOptions } from "../create-supervisor.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ServeFlags } from "./serve.ts";
import type { ServeLog } from "./serve-log.ts";

/** What the file says and may say anew; options of the command line win over it. */
export function operatorSettings(
  { limits, pins, pools, processes, cameras, listen, access }: Config,
  { limit, maxOn }: Pick<ServeFlags, "limit" | "maxOn">,
) {
  const options = { ...limit, ...(maxOn !== undefined && { maxOnMs: maxOn }) };
  return { limits: { ...limits, ...options }, pins, pools, processes, cameras, listen, access } satisfies Partial<SupervisorOptions>;
}

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

  /** Never throws, but for what keeps the supervisor from starting. */
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
      const { code, message, details } = HoldfastError.from(thrown);
      this.#log.error({ ...details, code, reason: message }, "the configuration is refused; what was in force stays in force");
    }
  }

  #tellOfRestart({ frames: { directory } }: Config): void {
    if (directory === this.#directory) return;
    this.#log.warn({ key: "frames.directory" }, "this holds from the next start on: until then pools are made where they were");
  }
}
