import { World, type WorldOptions } from "../../src/index-testing.ts";
import { type CommandName, commandNumbers } from "../../src/transports/pigpio/command-numbers.ts";
import type { Command } from "../../src/transports/pigpio/command-reader.ts";
import { Daemon } from "../../src/transports/pigpio/daemon.ts";
import type { Program } from "../../src/transports/pigpio/notifications.ts";
import type { Report } from "../../src/transports/pigpio/report.ts";
import { decodeReport } from "../pigpio-report.ts";

/** What a test's program says: a command with its parameters. */
export type Words = readonly [name: CommandName | number, p1?: number, p2?: number, extension?: number];

/** A program of pigpio's that a test moves, without bytes. */
export class ScriptedProgram implements Program {
  readonly #daemon: Daemon;
  readonly #reports: Report[] = [];
  readonly address = "127.0.0.1";

  constructor(
    daemon: Daemon,
    readonly label: string,
  ) {
    this.#daemon = daemon;
  }

  report(bytes: Uint8Array): void {
    this.#reports.push(decodeReport(bytes));
  }

  /** Gives a command. @returns its result */
  do(...[name, p1 = 0, p2 = 0, extension]: Words): Promise<number> {
    const number = typeof name === "number" ? name : commandNumbers[name];
    const command: Command = { number, p1, p2, extension: extension ?? null };
    return this.#daemon.obey(this, command);
  }

  /** The reports that have come since it was last asked. */
  take(): Report[] {
    return this.#reports.splice(0);
  }

  /** Its connection ends. */
  leave(): void {
    this.#daemon.leave(this);
  }
}

/** A supervisor in simulated time, and what pigpio programs take for their daemon. */
export class PigpioStage {
  readonly world: World;
  readonly daemon: Daemon;
  /** What the log was told of refusals. */
  readonly refused: object[] = [];

  constructor(options: WorldOptions = {}) {
    this.world = new World(options);
    const { supervisor, clock } = this.world;
    const peer = this.world.welcome("pigpio", { transport: "pigpio" }).client.peer;
    const lobby = supervisor.attach(peer, { ready: true, deliver: () => {} });
    const tell = (fields: object) => this.refused.push(fields);
    const log = { debug() {}, info() {}, warn: tell, error: tell };
    this.daemon = new Daemon({ supervisor, peer, lobby, clock, log });
  }

  program(label = "program"): ScriptedProgram {
    return new ScriptedProgram(this.daemon, label);
  }
}
