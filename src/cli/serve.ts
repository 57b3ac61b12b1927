import { type Command, Option } from "commander";
import { serverSocketPath } from "../client/socket-path.ts";
import { DEFAULT_CONFIG_PATH } from "../config/default-path.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { DEFAULT_DRAIN_MS, defaultLimits, type Limits } from "../protocol/limits.ts";
import { duration, examples, limit, oneOf } from "./arguments.ts";
import type { ConnectionFlags } from "./destination.ts";

/** What `holdfast serve` is told. */
export interface ServeFlags {
  readonly backend: "auto" | "chardev" | "sim";
  readonly drainTimeout: number;
  readonly maxOn?: number;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  readonly limit?: Partial<Limits>;
  readonly config?: string;
  readonly actors?: string;
  readonly watch?: true;
  readonly check?: true;
  readonly json?: true;
}

/** `holdfast serve`, as it is typed. */
export function addServe(program: Command): void {
  const serve = program
    .command("serve")
    .summary("Run the supervisor that owns the pins and the pools")
    .description(
      "Run the supervisor that owns the pins and the pools of frames. All other commands talk to it. It logs to stderr, as JSON unless that is a terminal. " +
        "The first SIGTERM or SIGINT lets every pin run what was accepted and gives it back; a second one does so at once. " +
        "SIGHUP has the configuration read again, and swaps the actors whose files have changed.",
    )
    .option("--config <path>", `limits, pools and pins; options win over it (default: ${DEFAULT_CONFIG_PATH}, where there is one)`)
    .option("--actors <folder>", "run your own actors: every .ts, .js and .mjs directly in this folder")
    .option("--watch", "swap an actor as soon as its file changes, not only when the configuration is read again")
    .addOption(
      oneOf("--backend <kind>", "chardev: the machine's chips; sim: a simulated 40-pin header; auto: chardev if there are chips", [
        "auto",
        "chardev",
        "sim",
      ]).default("auto"),
    )
    .addOption(
      new Option("--drain-timeout <duration>", "how long a soft end may take before it becomes a hard one")
        .argParser(duration)
        .default(DEFAULT_DRAIN_MS, `${DEFAULT_DRAIN_MS / 1000}s`),
    )
    .option(
      "--max-on <duration>",
      "longest time that an output may be on without a break (default: as long as it likes); closing then always leaves it off",
      duration,
    )
    .addOption(oneOf("--log-level <level>", "what is logged", ["debug", "info", "warn", "error", "silent"]).default("info"))
    .option("--limit <name=value>", `another limit; the names: ${limitNames.join(", ")}`, limit(limitNames))
    .option("--check", "do not serve: look whether this would, print what it would do, and end with exit status 1 when it would not")
    .option("--json", "with --check: print the findings")
    .action(async (flags: ServeFlags, command: Command) => {
      const { socket = serverSocketPath(), connect } = command.optsWithGlobals<ConnectionFlags>();
      if (connect !== undefined)
        throw new HoldfastError("BAD_FIELD", "--connect is for those who talk to a supervisor; this one is --socket's", {});
      if (flags.json && !flags.check) command.error("error: --json is for --check");
      // Files of their own, because what a supervisor is made of takes its time to load: this one is read by every command.
      if (flags.check) return (await import("./check.ts")).check(socket, flags);
      await (await import("./run-supervisor.ts")).serveUntilTold(socket, flags);
    });
  examples(serve, {
    "holdfast serve": "on the machine's chips, or simulated ones where there are none",
    "holdfast serve --backend sim --socket /tmp/try.sock": "on simulated pins, to try things out",
    "holdfast serve --config ./holdfast.toml": "with the pools of that file",
    "holdfast serve --actors ./actors.d --watch": "with your own actors, while you write them",
    "holdfast serve --check --config ./holdfast.toml": "whether that file is right, before it is used",
    "holdfast serve --max-on 30s --drain-timeout 2s": "nothing stays on for longer than 30 s; ends within 2 s",
  });
}

const limitNames = Object.keys(defaultLimits).filter((name) => name !== "maxOnMs");
