import { expect } from "bun:test";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import type { SimProcess, SimProgram } from "../../src/processes/sim-host.ts";
import type { CameraTable } from "../../src/protocol/camera-table.ts";
import type { CameraInfo, EventOf } from "../../src/protocol/replies.ts";
import type { CameraPartName } from "../../src/protocol/requests.ts";

/** A camera whose process a test plays. */
export const cameraTable: CameraTable = { pipeline: ["program"], width: 8, height: 4, format: "GREY" };

/** The process of a camera, as a test has it act. */
export class Worker {
  readonly #client: ScriptedClient;
  /** It is not to publish from the start on. */
  isToPause = false;

  constructor(
    readonly world: World,
    readonly process: SimProcess,
    readonly camera = "front",
    readonly part: CameraPartName = "capture",
  ) {
    world.processes.start(process.pid);
    this.#client = world.join("worker", process.pid);
  }

  attach() {
    return this.#client.ask({ op: "camera.attach", camera: this.camera, part: this.part });
  }

  /** Brings a frame into its pool. */
  async frame(): Promise<void> {
    const pool = this.part === "preview" ? `${this.camera}-preview` : this.camera;
    const grant = this.#client.ask({ op: "slot.acquire", pool });
    await this.world.settle();
    this.#client.ask({ op: "slot.publish", lease: grant.body.lease, bytes: 32 });
    await this.world.settle();
  }

  report(fields: object) {
    return this.#client.ask({ op: "camera.report", camera: this.camera, part: this.part, ...fields });
  }

  get orders(): EventOf<"order">[] {
    return this.#client.events.filter((event): event is EventOf<"order"> => event.ev === "order");
  }

  /** The program ends. */
  end(status = 1): void {
    this.world.processes.end(this.process.pid);
    this.#client.leave();
    this.process.end({ status });
  }
}

/** A supervisor with cameras, and whoever asks it. */
export interface CameraStage {
  readonly world: World;
  readonly ask: ScriptedClient["ask"];
  /** The process that runs last, attached. */
  worker(camera?: string, part?: CameraPartName): Worker;
  info(camera?: string): CameraInfo;
}

/** @param program what their processes do */
export async function stageOf(
  cameras: Readonly<Record<string, Partial<CameraTable>>> = { front: {} },
  program: SimProgram = {},
): Promise<CameraStage> {
  const world = new World({
    cameras: Object.fromEntries(Object.entries(cameras).map(([name, said]) => [name, { ...cameraTable, ...said }])),
    programOf: () => program,
  });
  const client = world.join("operator");
  world.supervisor.startAll();
  // Pools take their time to be made.
  await world.settle();
  await world.pass(0);
  return {
    world,
    ask: (asked) => client.ask(asked),
    worker: (camera = "front", part = "capture") => {
      const process = world.host.living.findLast(({ spec }) => spec.command.slice(-2).join() === `${part},${camera}`);
      if (process === undefined) throw new Error(`no ${part} process of ${camera} runs`);
      const worker = new Worker(world, process, camera, part);
      worker.isToPause = worker.attach().body.settings.paused;
      return worker;
    },
    info: (camera = "front") => world.supervisor.status().cameras.find((info) => info.camera === camera) as CameraInfo,
  };
}

/** One that captures. */
export async function capturing(said: Partial<CameraTable> = {}): Promise<CameraStage & { readonly first: Worker }> {
  const stage = await stageOf({ front: said });
  const first = stage.worker();
  await first.frame();
  expect(stage.info().state).toBe("capturing");
  return { ...stage, first };
}
