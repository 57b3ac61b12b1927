import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CameraInfo, connect, type HoldfastClient } from "../../src/index.ts";
import { eventually, type ServeProcess, Stage } from "../integration/processes.ts";

/** Of the frames, in pixels of one byte. */
const WIDTH = 320;
const HEIGHT = 240;

/** The processes of a camera, by what is in their command lines. */
export const kinds = {
  pipeline: "frame-source.mjs",
  capture: "camera-worker capture",
  preview: "camera-worker preview",
  record: "camera-worker record",
  ffmpeg: "fake-ffmpeg.mjs",
} as const;
/** A kind of process of a camera. */
export type Kind = keyof typeof kinds;

/** A supervisor with one camera, `front`, that is killed and started again, and what they may leave behind. */
export class CameraScene implements AsyncDisposable {
  /** Where the pools are: in memory, where there is such a folder. */
  readonly #shm = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "holdfast-chaos-"));
  readonly #stage = new Stage();
  readonly #video = join(this.#stage.folder, "video");
  #supervisor: ServeProcess | null = null;
  #client: HoldfastClient | null = null;
  /** Children that supervisors had when they were killed. */
  readonly #orphans = new Set<number>();

  get socket(): string {
    return this.#stage.socket;
  }

  /** Of the test itself; it connects anew when the supervisor has been killed. */
  get client(): HoldfastClient {
    if (this.#client === null) throw new Error("the supervisor has not been started");
    return this.#client;
  }

  async start(): Promise<void> {
    if (!existsSync(this.#video)) mkdirSync(this.#video);
    const bin = join(this.#stage.folder, "bin");
    if (!existsSync(bin)) {
      mkdirSync(bin);
      const program = this.#stage.file(
        "bin/ffmpeg",
        `#!/bin/sh\nexec ${process.execPath} ${join(import.meta.dir, "fake-ffmpeg.mjs")} "$@"\n`,
      );
      await this.#stage.run("chmod", "+x", program);
    }
    const args = ["--config", this.#configure(12)];
    const supervisor = this.#stage.startServe(this.socket, args, ["env", `PATH=${bin}:${process.env["PATH"]}`]);
    if (!(await supervisor.ready)) throw new Error(`the supervisor has ended at once: ${supervisor.errors}`);
    this.#supervisor = supervisor;
    this.#client ??= await connect({ socket: this.socket, name: "test", reconnect: true });
  }

  /** Ends the supervisor at once, and starts another one. */
  async restart(): Promise<void> {
    for (const pid of childrenOf(this.#pid)) this.#orphans.add(pid);
    this.#supervisor?.kill("SIGKILL");
    await this.#supervisor?.ended();
    await this.start();
  }

  /** Has the supervisor read another configuration. */
  reload(slots: number): void {
    this.#configure(slots);
    this.#supervisor?.kill("SIGHUP");
  }

  async info(): Promise<CameraInfo> {
    return (await this.client.cameras())[0] as CameraInfo;
  }

  /** Processes of the camera, also those that an earlier supervisor has started. */
  processes(kind?: Kind): number[] {
    return processes().filter((pid) => {
      const isOwn = fileOf(pid, "environ").split("\0").includes(`HOLDFAST_SOCKET=${this.socket}`);
      return isOwn && fileOf(pid, "environ").includes("HOLDFAST_FAMILY=") && (kind === undefined || commandOf(pid).includes(kinds[kind]));
    });
  }

  /** Children of the supervisor that have ended and that it has not asked about. */
  get zombies(): number[] {
    return childrenOf(this.#pid).filter((pid) => !lives(pid));
  }

  /** Files of recordings that have not been finished. */
  get unfinished(): string[] {
    return readdirSync(this.#video).filter((name) => name.endsWith(".part"));
  }

  /** Ends the supervisor softly, and waits until nothing is left. */
  async end(): Promise<void> {
    for (const pid of childrenOf(this.#pid)) this.#orphans.add(pid);
    this.#supervisor?.kill("SIGTERM");
    await this.#supervisor?.ended();
    await eventually("no process of the camera is left", () => this.processes().length === 0);
    await eventually("no child of a supervisor is left", () => ![...this.#orphans].some(lives));
    const left = [...readdirSync(this.#shm), ...this.unfinished, ...(existsSync(this.socket) ? ["the socket"] : [])];
    if (left.length > 0) throw new Error(`this is left: ${left.join(" ")}`);
  }

  /** Prints the last that the supervisors have written. */
  showLogs(): void {
    this.#stage.showLogs();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.close().catch(() => {});
    for (const pid of this.processes()) process.kill(pid, "SIGKILL");
    await this.#stage[Symbol.asyncDispose]();
    rmSync(this.#shm, { recursive: true });
  }

  get #pid(): number {
    return this.#supervisor?.pid ?? 0;
  }

  #configure(slots: number): string {
    const settings = JSON.stringify({ bytes: WIDTH * HEIGHT, periodMs: 4, halves: true });
    const source = [process.execPath, join(import.meta.dir, "..", "integration", "frame-source.mjs"), settings];
    // What it leaves behind is no child of it any more, and has a session of its own.
    const pipeline = ["/bin/sh", "-c", '(setsid sleep 5000 &); exec "$@"', "pipeline", ...source];
    const lines = [
      `frames.directory = "${this.#shm}"`,
      "[camera.front]",
      `pipeline = ${JSON.stringify(pipeline)}`,
      `width = ${WIDTH}\nheight = ${HEIGHT}\nformat = "GREY"\nslots = ${slots}\nfps = 200`,
      "backoffMs = 10\nmaxBackoffMs = 50\ngraceMs = 300\nstartMs = 10000\nstallPeriods = 1",
      "preview = { width = 32, height = 24, fps = 50 }",
      `save = { folder = "${this.#video}", segmentMs = 400, maxBytes = 1000000 }`,
    ];
    return this.#stage.file("its.toml", lines.join("\n"));
  }
}

function processes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function childrenOf(pid: number): number[] {
  return fileOf(pid, `task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

function lives(pid: number): boolean {
  const stat = fileOf(pid, "stat");
  return stat !== "" && !/\) [ZX]/.test(stat);
}

function commandOf(pid: number): string {
  return fileOf(pid, "cmdline").replaceAll("\0", " ");
}

/** What the kernel says of a process; "": it has ended. */
function fileOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}
