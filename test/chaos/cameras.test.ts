import { expect, test } from "bun:test";
import { HoldfastError } from "../../src/index.ts";
import { eventually } from "../integration/processes.ts";
import { CameraScene, type Kind, kinds } from "./camera-scene.ts";
import { Crew, type Role } from "./crew.ts";
import { Random } from "./random.ts";

const seconds = Number(process.env["CHAOS_CAMERA_SECONDS"] ?? 8);
const seed = Number(process.env["CHAOS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Beside the faults: the start of all, and their end. */
const MARGIN_MS = 240_000;

/** The longest pause between two faults, and for which a process is stopped, in ms. */
const PAUSE_MS = 500;

/** How often a process is killed in a row. */
const KILLS = 3;

const consumer = (pool: string, holdMs: number): Role => ({
  name: `consumer of ${pool} for ${holdMs} ms`,
  pool,
  program: "camera-consumer.ts",
  args: [pool, String(holdMs)],
});

/** What is done to a camera. */
class Faults {
  readonly scene: CameraScene;
  readonly crew: Crew;
  readonly random: Random;
  readonly counts: Record<string, number> = {};
  /** What a client was told that it may not be. */
  readonly found: string[] = [];
  readonly #asked = new Set<Promise<void>>();
  readonly #stopped = new Set<number>();
  /** Signals that are yet to be sent: whoever is stopped behind the faults is to stay so. */
  readonly #toCome = new Set<Promise<void>>();

  constructor(scene: CameraScene, crew: Crew, random: Random) {
    this.scene = scene;
    this.crew = crew;
    this.random = random;
  }

  /** Each of them, in some order, again and again until the time is over. */
  async go(forMs: number): Promise<void> {
    const untilMs = performance.now() + forMs;
    do {
      for (const [name, act] of this.#shuffled()) {
        await act();
        this.counts[name] = (this.counts[name] ?? 0) + 1;
        await Bun.sleep(this.random.below(PAUSE_MS));
      }
    } while (performance.now() < untilMs);
    await Promise.all(this.#toCome);
    for (const pid of this.#stopped) signal(pid, "SIGCONT");
    await Promise.all(this.#asked);
  }

  #shuffled(): [string, () => unknown][] {
    const left = Object.entries(this.#all);
    return Array.from({ length: left.length }, () => left.splice(this.random.below(left.length), 1)[0] as [string, () => unknown]);
  }

  get #all(): Readonly<Record<string, () => unknown>> {
    const { scene, crew, random } = this;
    const front = "front";
    return {
      ...Object.fromEntries(
        (Object.keys(kinds) as Kind[]).flatMap((kind) => [
          [`kill ${kind}`, () => this.#kill(kind)],
          [`stop ${kind}`, () => this.#each(kind, (pid) => this.#stop(pid))],
        ]),
      ),
      "kill consumer": () => crew.pids.length > 0 && crew.kill(random.pick(crew.pids)),
      "kill supervisor": () => scene.restart(),
      reload: () => scene.reload(12 + random.below(4)),
      start: () => this.#ask(() => scene.client.startCamera(front)),
      "stop and start": () => {
        this.#ask(() => scene.client.stopCamera(front, { hard: random.below(2) === 0 }));
        this.#ask(() => scene.client.startCamera(front));
      },
      pause: () => this.#ask(() => scene.client.pauseCamera(front)),
      resume: () => this.#ask(() => scene.client.resumeCamera(front)),
      fps: () => this.#ask(() => scene.client.setCameraFps(front, 100 + random.below(100))),
      "preview on": () => this.#ask(() => scene.client.previewCamera(front, true)),
      "preview off": () => random.below(3) === 0 && this.#ask(() => scene.client.previewCamera(front, false)),
      "save on": () => this.#ask(() => scene.client.saveCamera(front, true)),
      "save off": () => random.below(3) === 0 && this.#ask(() => scene.client.saveCamera(front, false)),
    };
  }

  /** Several times, in the middle of its work where it gets to that. */
  async #kill(kind: Kind): Promise<void> {
    for (let time = 0; time < KILLS; time++) {
      const untilMs = performance.now() + PAUSE_MS;
      const captures = async () => (await this.scene.info()).state === "capturing";
      while (performance.now() < untilMs && !(await captures().catch(() => false))) await Bun.sleep(5);
      await Bun.sleep(this.random.below(20));
      this.#each(kind, (pid) => signal(pid, "SIGKILL"));
    }
  }

  #each(kind: Kind, act: (pid: number) => void): void {
    for (const pid of this.scene.processes(kind)) act(pid);
  }

  /** It goes on after a while, or is killed, or stays so until somebody misses it. */
  #stop(pid: number): void {
    signal(pid, "SIGSTOP");
    this.#stopped.add(pid);
    const behind = this.random.pick(["SIGCONT", "SIGKILL", null] as const);
    if (behind !== null) this.#toCome.add(Bun.sleep(this.random.below(PAUSE_MS)).then(() => signal(pid, behind)));
  }

  /** Whatever becomes of it, it is answered, and with an error that is meant for clients. */
  #ask(act: () => Promise<unknown>): void {
    const asked = act()
      .then(
        () => {},
        (error: unknown) => {
          if (!(error instanceof HoldfastError) || error.code === "INTERNAL") this.found.push(`unexpected: ${(error as Error).stack}`);
        },
      )
      .finally(() => this.#asked.delete(asked));
    this.#asked.add(asked);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** Asks until it is done: what was done before may yet be noticed. */
async function persistently(what: string, act: () => Promise<unknown>): Promise<void> {
  let refusal: unknown = null;
  const attempt = () =>
    act().then(
      () => true,
      (error) => {
        refusal = error;
        return false;
      },
    );
  await eventually(what, attempt).catch((error) => {
    throw new Error(`${error.message}: ${refusal}`);
  });
}

/** Whatever has been done to it, it brings frames; it does so again by itself when its capture hangs; and what it saves is finished. */
async function recover(scene: CameraScene): Promise<void> {
  const { client } = scene;
  const published = async () => (await client.pools()).find(({ pool }) => pool === "front")?.published ?? 0;
  await persistently("it starts", () => client.startCamera("front"));
  await persistently("it goes on", () => client.resumeCamera("front"));
  const { starts } = await scene.info();
  for (const pid of scene.processes("capture")) signal(pid, "SIGSTOP");
  await eventually("another capture has begun", async () => (await scene.info()).starts > starts);
  await eventually("it captures by itself", async () => (await scene.info()).state === "capturing");
  const before = await published();
  await eventually("frames come", async () => (await published()) > before);
  await persistently("it is previewed", () => client.previewCamera("front", true));
  await persistently("it is saved", () => client.saveCamera("front", true));
  await client.saveCamera("front", false);
  expect(scene.unfinished).toEqual([]);
  await eventually("no child of the supervisor is a zombie", () => scene.zombies.length === 0);
}

test(
  "whichever process of a camera is killed or stopped, and whatever is asked of it: no frame is torn, it captures again by itself, and nothing is left",
  async () => {
    console.log(`chaos of cameras for ${seconds} s; to see it again: CHAOS_SEED=${seed} CHAOS_CAMERA_SECONDS=${seconds} make test-chaos`);
    await using scene = new CameraScene();
    await scene.start();
    const crew = new Crew(scene.socket);
    await using _ = { [Symbol.asyncDispose]: () => crew.end() };
    for (const role of [consumer("front", 0), consumer("front", 20), consumer("front-preview", 5)]) crew.start(role);
    const faults = new Faults(scene, crew, new Random(seed));
    try {
      await persistently("it starts", () => scene.client.startCamera("front"));
      await faults.go(seconds * 1000);
      await recover(scene);
      await crew.end();
      await scene.end();
    } catch (error) {
      scene.showLogs();
      throw error;
    }
    console.log(`${JSON.stringify(faults.counts)}\n${crew.totals.read} frames read and whole, ${crew.totals.revoked} revoked`);
    expect([...crew.faults, ...faults.found]).toEqual([]);
    expect(crew.totals.read).toBeGreaterThan(0);
  },
  seconds * 1000 + MARGIN_MS,
);
