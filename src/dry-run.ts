import { accessSync, constants, statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { AccessRules } from "./access/access-rules.ts";
import { type ActorsOptions, actorPlan } from "./actor-plan.ts";
import { pipelineCommand } from "./cameras/pipeline-command.ts";
import { formatBytes } from "./frames/bytes-in-words.ts";
import { formatOf } from "./frames/format.ts";
import { fileLayout } from "./frames/layout.ts";
import { roomIn } from "./frames/room.ts";
import type { GpioBackend } from "./gpio/backend.ts";
import { PinNames } from "./gpio/pin-names.ts";
import { assertRunnable } from "./processes/program-file.ts";
import { aliasesOf } from "./protocol/aliases.ts";
import { badConfig, keyOf } from "./protocol/assert-config.ts";
import { type CameraTable, cameraPool, cameraSettings } from "./protocol/camera-table.ts";
import { HoldfastError } from "./protocol/errors.ts";
import type { Limits } from "./protocol/limits.ts";
import { LOOPBACK, usualPorts } from "./protocol/listen.ts";
import { mistakesInProcesses } from "./protocol/process-table.ts";
import type { PinConfig, PoolSettings } from "./protocol/requests.ts";
import { limitsOf, type OperatorSettings } from "./reconfigure.ts";
import { mistakesInAccess } from "./supervisor/access-tables.ts";
import { mistakesInCameras } from "./supervisor/cameras/camera-tables.ts";
import { mistakesInPins } from "./supervisor/pin-tables.ts";
import type { Log } from "./supervisor/surroundings.ts";
import { isTaken } from "./transports/taken-ports.ts";
import { tcpOptions } from "./transports/tcp/listener.ts";

/** A sentence about a table of the configuration. */
export interface Remark {
  /** null: about no single one. */
  readonly key: string | null;
  readonly message: string;
}

/** What a supervisor would make of its settings. */
export interface DryRun {
  /** What would keep it from starting, each with the `key`. */
  readonly mistakes: readonly HoldfastError[];
  /** What would not, and may not be meant. */
  readonly doubts: readonly Remark[];
  /** What it would do. */
  readonly plan: readonly Remark[];
}

type Tables<T> = Readonly<Record<string, T>>;

/** What settings are held against. */
export interface DryRunAround {
  /** Only its chips and channels are looked at. */
  readonly backend: GpioBackend;
  /** Where the files of pools would be. */
  readonly folder: string;
  /** A supervisor runs, and may have the ports and the memory that are needed. */
  readonly isServed: boolean;
}

/** Looks what a supervisor would make of settings, as far as that can be known without taking a line, a port or memory. */
export function dryRun(settings: OperatorSettings, around: DryRunAround): DryRun {
  const run = new Run(around);
  run.look(settings);
  return run;
}

class Run implements DryRun {
  readonly mistakes: HoldfastError[] = [];
  readonly doubts: Remark[] = [];
  readonly plan: Remark[] = [];
  readonly #around: DryRunAround;

  constructor(around: DryRunAround) {
    this.#around = around;
  }

  look({
    limits: said = {},
    pins = {},
    pools = {},
    processes = {},
    cameras = {},
    actors = {},
    listen = {},
    access = {},
  }: OperatorSettings): void {
    const limits = this.#attempt(() => limitsOf(said)) ?? limitsOf();
    this.#lookAtPins(pins, limits);
    this.#lookAtAccess(access, pins);
    this.#lookAtCameras(cameras, pools);
    this.#lookAtPools(pools, cameras, limits);
    this.#lookAtProcesses(processes);
    this.#attempt(() => this.#lookAtActors(actors), ["actors"]);
    this.#lookAtListeners(listen, access);
  }

  #lookAtPins(pins: NonNullable<OperatorSettings["pins"]>, { maxOnMs }: Limits): void {
    const { backend } = this.#around;
    const names = new PinNames(backend.chips());
    this.mistakes.push(...mistakesInPins(pins, { names, backend, maxOnMs, log: this.#log }));
    for (const [name, table] of Object.entries(pins)) {
      const key = keyOf(["pin", name]);
      const line = name === "*" ? "all other pins" : names.find(name)?.pin;
      if (line !== undefined)
        this.#intend(key, [name === line ? "" : line, ...inWords(table)].filter(Boolean).join(", ") || "nothing is said of it");
    }
  }

  #lookAtAccess(access: NonNullable<OperatorSettings["access"]>, pins: NonNullable<OperatorSettings["pins"]>): void {
    const names = new PinNames(this.#around.backend.chips(), aliasesOf(pins));
    this.mistakes.push(...mistakesInAccess(access, names, this.#log));
    this.#attempt(() => new AccessRules(access));
    for (const [name, { read, watch, command, frames, admin }] of Object.entries(access)) {
      const rights = Object.entries({ read, watch, command, frames, admin: admin === true ? "*" : undefined });
      const told = rights.flatMap(([right, names]) =>
        names === undefined ? [] : [names === "*" ? right : `${right} ${[names].flat().join(" ")}`],
      );
      this.#intend(keyOf(["access", name]), told.length === 0 ? "no rights" : told.join(", "));
    }
  }

  /** A camera whose pool has no room fails alone. */
  #lookAtPools(pools: Tables<PoolSettings>, cameras: Tables<CameraTable>, limits: Limits): void {
    const { folder, isServed } = this.#around;
    const ofCameras = Object.entries(cameras).map(([name, table]) => [name, cameraPool(cameraSettings(table))] as const);
    const all = [...Object.entries(pools), ...ofCameras];
    if (all.length === 0) return;
    if (all.length > limits.pools) {
      const counted = `${all.length} tables [pool.NAME]${ofCameras.length > 0 ? " and [camera.NAME]" : ""}`;
      this.mistakes.push(badConfig("limits.pools", `${limits.pools} are fewer than the ${counted}`));
    }
    let poolsBytes = 0;
    let camerasBytes = 0;
    for (const [name, settings] of Object.entries(pools)) poolsBytes += this.#neededBytes(["pool", name], settings);
    for (const [name, settings] of ofCameras) camerasBytes += this.#neededBytes(["camera", name], settings);
    try {
      accessSync(folder, constants.W_OK | constants.X_OK);
      const { has, freeBytes } = roomIn(folder);
      const lack = (bytes: number) => `${formatBytes(bytes)}, and ${has} ${formatBytes(freeBytes)} free`;
      if (freeBytes < poolsBytes) this.#object(["pool"], `the pools need ${lack(poolsBytes)}`, isServed);
      else if (freeBytes < poolsBytes + camerasBytes)
        this.#doubt("camera", `with the pools of the cameras all need ${lack(poolsBytes + camerasBytes)}`);
    } catch (error) {
      // The supervisor that runs may be another user's, who may.
      if (!isServed) this.mistakes.push(badConfig("frames.directory", `no pool can be made there: ${(error as Error).message}`));
    }
  }

  /** What the file of a pool takes. */
  #neededBytes(path: readonly string[], settings: PoolSettings): number {
    // What is wrong with a camera's is said of the camera.
    const format = path[0] === "camera" ? this.#silently(() => formatOf(settings)) : this.#attempt(() => formatOf(settings), path);
    if (format === undefined) return 0;
    const { fileBytes } = fileLayout(settings.slots, format.bytes);
    const { folder } = this.#around;
    this.#intend(keyOf(path), `${settings.slots} slots of ${formatBytes(format.bytes)} in ${folder}: ${formatBytes(fileBytes)}`);
    return fileBytes;
  }

  /** What is not there now keeps the supervisor from nothing else. */
  #lookAtCameras(cameras: Tables<CameraTable>, pools: Tables<PoolSettings>): void {
    this.mistakes.push(...mistakesInCameras(cameras, { pools: Object.keys(pools) }));
    for (const [name, table] of Object.entries(cameras)) {
      const { pipeline, source = null, ...stream } = cameraSettings(table);
      const key = keyOf(["camera", name]);
      const made = this.#silently(() => pipelineCommand(pipeline, { ...stream, source }));
      if (made === undefined) continue;
      const { command, debianPackage } = made;
      this.#lookForProgram(key, command, debianPackage);
      if (table.save !== undefined) this.#lookForFolder(keyOf(["camera", name, "save", "folder"]), table.save.folder);
      this.#intend(key, `${stream.format} ${stream.width}x${stream.height}, ${stream.fps} a second, by ${command[0]}`);
    }
  }

  #lookForFolder(key: string, folder: string): void {
    try {
      if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder`);
      accessSync(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      this.#doubt(key, `nothing can be saved there now: ${HoldfastError.from(error).message}`);
    }
  }

  #lookForProgram(key: string, command: readonly string[], debianPackage: string | null): void {
    try {
      assertRunnable({ command, environment: {} }, process.env["PATH"]);
    } catch (error) {
      const remedy = debianPackage === null ? "" : `; apt-get install ${debianPackage}`;
      this.#doubt(key, `can't be captured now: ${HoldfastError.from(error).message}${remedy}`);
    }
  }

  /** A program that is not there keeps the supervisor from nothing else. */
  #lookAtProcesses(processes: NonNullable<OperatorSettings["processes"]>): void {
    this.mistakes.push(...mistakesInProcesses(processes));
    for (const [name, { command, directory, environment = {} }] of Object.entries(processes)) {
      const key = keyOf(["process", name]);
      try {
        assertRunnable({ command, directory, environment }, environment["PATH"] ?? process.env["PATH"]);
        this.#intend(key, `runs ${command.join(" ")}${directory === undefined ? "" : ` in ${directory}`}`);
      } catch (error) {
        this.#doubt(key, `can't be started now: ${HoldfastError.from(error).message}`);
      }
    }
  }

  /** What is in their files is looked at by whoever loads them. */
  #lookAtActors(actors: ActorsOptions): void {
    const names = actorPlan(actors)
      .sources()
      .map(({ name }) => name);
    if (actors.folder !== undefined) this.#intend("actors", names.length === 0 ? `none in ${actors.folder}` : names.join(", "));
  }

  #lookAtListeners(listen: NonNullable<OperatorSettings["listen"]>, access: NonNullable<OperatorSettings["access"]>): void {
    const rules = this.#silently(() => new AccessRules(access));
    if (listen.tcp !== undefined && rules !== undefined) {
      const { tcp } = listen;
      this.#attempt(() => tcpOptions(tcp, rules, this.#log));
    }
    for (const name of Object.keys(usualPorts) as (keyof typeof usualPorts)[]) {
      const settings = listen[name];
      if (settings === undefined) continue;
      const { address = LOOPBACK, port = usualPorts[name] } = settings;
      const key = ["listen", name];
      if (name !== "tcp") this.#attempt(() => rules?.ofListener(keyOf(key), settings.access));
      if (!isOurs(address)) this.mistakes.push(badConfig(keyOf([...key, "address"]), `this machine has no address ${address}`));
      else if (port !== 0 && isTaken(address, port)) {
        this.#object([...key, "port"], `a program listens on ${address}, port ${port}, already`, this.#around.isServed);
      }
      this.#intend(keyOf(key), `${address}, port ${port === 0 ? "of the kernel's choice" : port}`);
    }
  }

  /** Is told of what is no mistake, but not there now. */
  get #log(): Log {
    const doubt = (fields: object, message: string) => this.#doubt("key" in fields ? String(fields.key) : null, message);
    return { debug() {}, info() {}, warn: doubt, error: doubt };
  }

  #doubt(key: string | null, message: string): void {
    this.doubts.push({ key, message });
  }

  /** It would fail now. @param mayBeOurs what is in the way may be the supervisor's own, which is to be started again with this */
  #object(path: readonly string[], message: string, mayBeOurs: boolean): void {
    if (mayBeOurs) this.#doubt(keyOf(path), `${message}; that may be the supervisor which runs now`);
    else this.mistakes.push(badConfig(keyOf(path), message));
  }

  /** What is wrong with a table is said instead of what would be done with it. */
  #intend(key: string, message: string): void {
    const isWrong = this.mistakes.some(({ details }) => `${details["key"]}.`.startsWith(`${key}.`));
    if (!isWrong) this.plan.push({ key, message });
  }

  /** @param path of the key that is at fault, where the error says none */
  #attempt<T>(act: () => T, path: readonly string[] = []): T | undefined {
    try {
      return act();
    } catch (error) {
      const mistake = HoldfastError.from(error);
      const isNew = !this.mistakes.some(({ message }) => message === mistake.message);
      if (isNew) this.mistakes.push(typeof mistake.details["key"] === "string" ? mistake : badConfig(keyOf(path), mistake.message));
      return undefined;
    }
  }

  #silently<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch {
      return undefined;
    }
  }
}

function inWords({ alias, initial, maxOnMs, closeLevel, pwm }: PinConfig): string[] {
  return [
    alias === undefined ? "" : `also called ${alias}`,
    pwm === undefined ? "" : `hardware PWM ${pwm}`,
    initial === undefined ? "" : `opened with ${initial}`,
    maxOnMs === undefined ? "" : `active for ${maxOnMs} ms at most`,
    closeLevel === undefined ? "" : `closes with ${closeLevel}`,
  ].filter(Boolean);
}

function isOurs(address: string): boolean {
  if (["0.0.0.0", "::", "localhost"].includes(address) || /^127\./.test(address)) return true;
  return Object.values(networkInterfaces()).some((each) => each?.some((own) => own.address === address));
}
