import { isDeepStrictEqual } from "node:util";
import { type CameraTable, cameraOfPreview, cameraSettings, previewPoolName } from "../../protocol/camera-table.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { CameraInfo, CameraSnapshot, ReplyOf } from "../../protocol/replies.ts";
import type { RequestOf } from "../../protocol/requests.ts";
import { didYouMean, similarNames } from "../../protocol/similar-names.ts";
import { addressedCamera } from "../addresses/addressed-camera.ts";
import type { Client } from "../client.ts";
import { allRights } from "../rights.ts";
import { Succession } from "../succession.ts";
import { Waits } from "../waits.ts";
import { Camera, type CameraOrder, type Extra } from "./camera.ts";
import type { CameraPart, CameraWorld } from "./camera-part.ts";
import { assertCamera, assertCameraTables, ownerOf } from "./camera-tables.ts";

/** Who is told of cameras. */
export interface CamerasListener {
  /** One has come to be, or may be another than before. */
  is(camera: Camera): void;
  /** There is none of this name any more. */
  gone(name: string): void;
  /** Nothing of them runs, since they are being shut. */
  ended(): void;
}

/** All cameras, by their names. */
export class Cameras {
  readonly #byName = new Map<string, Camera>();
  /** Of those that end because of what the configuration says now, or have been removed. */
  readonly #succession = new Succession<Camera, CameraTable>();
  readonly #world: CameraWorld;
  readonly #listener: CamerasListener;
  /** Those that the configuration does not name: clients have made them. */
  readonly #created = new Set<string>();
  /** Those that a client has removed, and that are there until they have ended. */
  readonly #removed = new Set<string>();
  /** Who waits for a camera to be something. */
  readonly #waits = new Waits();
  #closing = false;

  /**
   * @throws HoldfastError `BAD_CONFIG` with the `key`
   */
  constructor(tables: Readonly<Record<string, CameraTable>>, world: CameraWorld, listener: CamerasListener) {
    assertCameraTables(tables);
    const { pools } = world;
    // In the end they go by themselves, when their frames have been read.
    const remove = (name: string) => (this.#closing ? {} : pools.remove(name));
    this.#world = { ...world, pools: { create: (name, settings) => pools.create(name, settings), remove } };
    this.#listener = listener;
    for (const [name, table] of Object.entries(tables)) this.#add(name, table);
  }

  /** Those that there are. */
  get there(): readonly Camera[] {
    return [...this.#byName.values()];
  }

  /** None of them runs or is about to. */
  get areAtRest(): boolean {
    return [...this.#byName.values()].every(({ isAtRest }) => isAtRest);
  }

  /** Those whose pool one may use. */
  all(rights = allRights): CameraInfo[] {
    return [...this.#byName.values()].filter(({ name }) => rights.mayUse(name)).map((camera) => camera.info());
  }

  /** Starts those that are to capture from the start on. */
  startAll(): void {
    for (const camera of this.#byName.values()) if (camera.settings.autostart) camera.start();
  }

  /**
   * Starts a camera, and answers when its first frame has been published.
   * @throws HoldfastError `CAMERA_UNKNOWN`, `SHUTTING_DOWN`, `CAMERA_STOPPED`, `DISCONNECTED`, and why it has failed
   */
  start(client: Client, name: string): Promise<CameraInfo> {
    if (this.#closing) throw new HoldfastError("SHUTTING_DOWN", "the supervisor is ending, and starts no camera");
    const asked = this.#find(name);
    if (!this.#succession.wants(asked, true)) asked.start();
    return this.#until(client, name, (camera) => {
      if (this.#succession.has(camera)) return false;
      if (camera.state === "stopped" || camera.state === "failed" || camera.state === "backoff") throw camera.failure();
      return camera.works;
    });
  }

  /** Ends a camera's capture, and answers when nothing is left of it. @throws HoldfastError `CAMERA_UNKNOWN`, `DISCONNECTED` */
  stop(client: Client, name: string, hard = false): Promise<CameraInfo> {
    const camera = this.#find(name);
    this.#succession.wants(camera, false);
    camera.stop(hard);
    return this.#until(client, name, ({ state }) => state !== "stopping");
  }

  /**
   * Has a camera publish nothing, publish again, or bring more or fewer frames; one that is starting is waited for.
   * @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, `CAMERA_FAILED`, `DISCONNECTED`, and why it has failed
   */
  async order(client: Client, name: string, order: CameraOrder): Promise<CameraInfo> {
    await this.#untilItWorks(client, name);
    const camera = this.#find(name);
    await answer(client, camera.order(order));
    return camera.info();
  }

  /**
   * Begins or ends to do something with the frames of a camera, and answers when the first one has been dealt with, or nothing of it is left.
   * @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, `BAD_CONFIG`, `DISCONNECTED`, and why it has failed
   */
  async want(client: Client, name: string, extra: Extra, on: boolean): Promise<CameraInfo> {
    if (on) await this.#untilItWorks(client, name);
    this.#find(name).want(extra, on);
    return this.#until(client, name, (camera) => {
      const part = camera.follower(extra);
      return on ? isUp(part) : part.state !== "stopping";
    });
  }

  /**
   * Has the next frame of a camera saved, and answers when its file is there.
   * @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, `BAD_CONFIG`, `SAVE_FAILED`, `CAMERA_STALLED`, `DISCONNECTED`, and what else kept it from that
   */
  async snapshot(client: Client, name: string): Promise<CameraSnapshot> {
    await this.#untilItWorks(client, name);
    const camera = this.#find(name);
    const end = camera.beginSnapshot();
    try {
      await this.#until(client, name, (named) => isUp(named.follower("snapshot")));
      return await answer(client, camera.snapshot());
    } catch (error) {
      // Then that is the reason.
      throw camera.works ? error : camera.failure();
    } finally {
      end();
    }
  }

  /**
   * A camera that the configuration does not name. It is started unless it says otherwise.
   * @throws HoldfastError `SHUTTING_DOWN`, `CAMERA_EXISTS`, `POOL_EXISTS`, `LIMIT_POOLS`, `DEVICE_BUSY`; `BAD_FIELD`, `MISSING_FIELD` with the `field`
   */
  create(name: string, table: CameraTable): CameraInfo {
    if (this.#closing) throw new HoldfastError("SHUTTING_DOWN", "the supervisor is ending, and takes no camera");
    if (this.#byName.has(name))
      throw new HoldfastError("CAMERA_EXISTS", `there is a camera ${name} already`, { field: "camera", camera: name });
    const near = [cameraOfPreview(name), previewPoolName(name)].find((other) => other !== null && this.#byName.has(other));
    if (near !== undefined) {
      const message = `the pool of camera ${name} and that of camera ${near} would be one: a preview has a pool, too`;
      throw new HoldfastError("POOL_EXISTS", message, { field: "camera", camera: near });
    }
    const limit = this.#world.limits.pools;
    if (this.#byName.size >= limit) throw new HoldfastError("LIMIT_POOLS", `there may be ${limit} pools, and a camera has one`, { limit });
    assertCamera(table);
    const owner = ownerOf(table, this.#tables(this.#byName.keys()));
    if (owner !== undefined) {
      const message = `${owner.device} is that of camera ${owner.camera} already`;
      throw new HoldfastError("DEVICE_BUSY", message, { field: "source", camera: owner.camera });
    }
    this.#created.add(name);
    const camera = this.#add(name, table);
    if (camera.settings.autostart) camera.start();
    return camera.info();
  }

  /** Ends a camera, and answers when nothing is left of it. @throws HoldfastError `CAMERA_UNKNOWN`, `DISCONNECTED` */
  remove(client: Client, name: string): Promise<ReplyOf<"camera.remove">> {
    const removed = this.#find(name);
    // The configuration may name it again before it has ended.
    this.#succession.replace(removed, null, removed.settings.autostart);
    this.#removed.add(name);
    removed.stop(false);
    this.#look();
    return this.#waits.until(client, () => {
      const camera = this.#byName.get(name);
      return camera !== undefined && this.#succession.isLast(camera) ? undefined : {};
    });
  }

  /** A client says which process of a camera it is. @throws HoldfastError `CAMERA_UNKNOWN`, `FORBIDDEN`, `LIMIT_SUBSCRIPTIONS` */
  attach(client: Client, { camera, part }: RequestOf<"camera.attach">): ReplyOf<"camera.attach"> {
    return this.#find(camera).attach(client, part);
  }

  /** Such a process tells what has become of it. @throws HoldfastError `CAMERA_UNKNOWN`, `FORBIDDEN` */
  report(client: Client, report: RequestOf<"camera.report">): void {
    this.#find(report.camera).report(client, report);
  }

  /** A client has published a frame. */
  published(client: Client, pool: string): void {
    this.#ofPool(pool)?.published(client);
  }

  /** Whether nobody else has a say in whether a pool is there. @throws HoldfastError `POOL_OWNED` */
  assertNotOwned(pool: string): void {
    const camera = this.#ofPool(pool);
    if (camera?.owns(pool) !== true) return;
    const message = `pool ${pool} is that of camera ${camera.name}, and goes when that is stopped`;
    throw new HoldfastError("POOL_OWNED", message, { field: "pool", pool, camera: camera.name });
  }

  /**
   * What the configuration says anew. Nothing has changed yet.
   * @returns what makes it hold: who is not named any more is ended, who has changed is ended and started again, and all others go on
   * @throws HoldfastError `BAD_CONFIG` with the `key`
   */
  reconfigured(tables: Readonly<Record<string, CameraTable>>): () => void {
    assertCameraTables(tables, { created: this.#tables(this.#created) });
    return () => {
      for (const camera of this.#byName.values()) {
        const table = Object.hasOwn(tables, camera.name) ? (tables[camera.name] as CameraTable) : null;
        if (table !== null) this.#created.delete(camera.name);
        else if (this.#created.has(camera.name)) continue;
        if (table !== null && !this.#succession.has(camera) && isDeepStrictEqual(cameraSettings(table), camera.settings)) continue;
        this.#succession.replace(camera, table);
        this.#removed.delete(camera.name);
      }
      const added = Object.entries(tables).flatMap(([name, table]) => (this.#byName.has(name) ? [] : [this.#add(name, table)]));
      for (const camera of this.#succession.ending) camera.stop(false);
      this.#look();
      for (const camera of added) if (camera.settings.autostart) camera.start();
    };
  }

  /** Ends all of them. None is started any more. */
  shut(hard: boolean): void {
    this.#closing = true;
    for (const camera of this.#byName.values()) camera.stop(hard);
    this.#look();
  }

  /** The camera that a pool may be of. */
  #ofPool(pool: string): Camera | undefined {
    const previewed = cameraOfPreview(pool);
    return this.#byName.get(pool) ?? (previewed === null ? undefined : this.#byName.get(previewed));
  }

  /** What has been said of cameras, by their names. */
  #tables(names: Iterable<string>): Record<string, CameraTable> {
    return Object.fromEntries([...names].flatMap((name) => [this.#byName.get(name) ?? []].flat().map(({ settings }) => [name, settings])));
  }

  #add(name: string, table: CameraTable): Camera {
    const camera: Camera = new Camera(name, table, this.#world, {
      changed: () => this.#look(),
      told: (event) => {
        // Of one that has gone nothing more is told.
        if (this.#byName.get(name) === camera) this.#tell(camera, event);
      },
    });
    this.#byName.set(name, camera);
    this.#tell(camera, null);
    return camera;
  }

  #tell(camera: Camera, event: string | null): void {
    this.#world.transitions.look(addressedCamera(camera), event);
    this.#listener.is(camera);
  }

  #find(name: string): Camera {
    const camera = this.#byName.get(name);
    if (camera !== undefined && !this.#succession.isLast(camera)) return camera;
    const similar = similarNames(name, this.#byName.keys());
    throw new HoldfastError("CAMERA_UNKNOWN", `there is no camera "${name}"${didYouMean(similar)}`, { field: "camera", camera: name });
  }

  /** Waits until a camera has started, if it is about to. @throws HoldfastError why it does not capture */
  #untilItWorks(client: Client, name: string): Promise<CameraInfo> {
    return this.#until(client, name, (camera) => {
      if (camera.works) return true;
      if (camera.state === "starting") return false;
      throw camera.failure();
    });
  }

  /** Waits until something is so of the camera that has this name then. */
  #until(client: Client, name: string, isSo: (camera: Camera) => boolean): Promise<CameraInfo> {
    return this.#waits.until(client, () => {
      const camera = this.#find(name);
      return isSo(camera) ? camera.info() : undefined;
    });
  }

  /** Something has changed: others may have what they waited for. */
  #look(): void {
    if (!this.#closing) this.#succession.succeed((camera, table, starts) => this.#replace(camera, table, starts));
    this.#waits.look();
    if (this.#closing && this.areAtRest) this.#listener.ended();
  }

  #replace(camera: Camera, table: CameraTable | null, starts: boolean): void {
    if (table === null) {
      const { name } = camera;
      this.#byName.delete(name);
      this.#created.delete(name);
      this.#world.transitions.gone(addressedCamera(camera), this.#removed.delete(name) ? "remove" : "reload");
      this.#listener.gone(name);
    } else if (starts) this.#add(camera.name, table).start();
    else this.#add(camera.name, table);
  }
}

/** Whether what is done with a camera's frames is being done. @throws HoldfastError why it never will be */
function isUp(part: CameraPart): boolean {
  if (part.state === "failed" || part.state === "backoff" || part.isStopped) throw part.failure();
  return part.works;
}

/** What a client has asked for and is told of while it is there. It happens in any case. @throws HoldfastError `DISCONNECTED` */
function answer<T>(client: Client, asked: Promise<T>): Promise<T> {
  return client.wait((resolve, reject) => {
    asked.then(resolve, reject);
    return () => {};
  });
}
