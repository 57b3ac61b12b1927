import type { HoldfastClient } from "../client/client.ts";
import { type ErrorValue, HoldfastError } from "../protocol/errors.ts";
import type { CameraOrders, CameraSnapshot, EventOf } from "../protocol/replies.ts";
import type { CameraCounters, CameraPartName, Fields } from "../protocol/requests.ts";

/** How often it is told what has been counted, in ms. */
const REPORT_EVERY_MS = 1000;

/** The longest sentence that a report takes. */
const LONGEST_MESSAGE = 4096;

/** What a process of a camera is told while it works. */
export type Order = EventOf<"order">;

/** The work of a process of a camera. */
export interface CameraTask {
  /** What has become of frames so far. */
  readonly counters: CameraCounters;
  /** Works until it is stopped. @throws HoldfastError why it can't go on */
  run(): Promise<void>;
  /** Has `run` end, when what was begun is done. */
  stop(): void;
  /** Does what it is told. Resolves when that has happened, with the snapshot that it was to make. @throws HoldfastError why not */
  follow(order: Order): Promise<CameraSnapshot> | Promise<void>;
}

/** Tells the supervisor what a process does from now on. */
export type TellState = (state: "running" | "paused") => void;

/**
 * Does the work of one process of a camera, as the supervisor has it done: until that tells it to end, or has gone itself.
 * @param ended aborts when it is to end
 * @throws HoldfastError why it can't go on, when the supervisor has been told
 */
export async function doDuty(
  client: HoldfastClient,
  { camera, part }: { readonly camera: string; readonly part: CameraPartName },
  ended: AbortSignal,
  begin: (settings: CameraOrders, tell: TellState) => Promise<CameraTask>,
): Promise<void> {
  const report = (fields: Omit<Fields<"camera.report">, "camera" | "part">) => client.request("camera.report", { camera, part, ...fields });
  const { settings, orders } = await client.attachCamera(camera, part);
  let task: CameraTask | null = null;
  try {
    const begun = await begin(settings, (state) => void report({ state }).catch(() => {}));
    task = begun;
    const stop = () => begun.stop();
    ended.addEventListener("abort", stop);
    if (ended.aborted) stop();
    // Without its supervisor nobody wants its work.
    void obey(begun, orders, report).finally(stop);
    const counting = setInterval(() => void report({ counters: begun.counters }).catch(() => {}), REPORT_EVERY_MS);
    await begun.run().finally(() => clearInterval(counting));
    await report({ counters: begun.counters }).catch(() => {});
  } catch (error) {
    const trouble = HoldfastError.from(error);
    await report({ ...(task && { counters: task.counters }), error: inShort(trouble) }).catch(() => {});
    throw trouble;
  }
}

/** What a report says of an order. */
type Answer = Pick<Fields<"camera.report">, "order" | "snapshot" | "error">;

/** Follows orders for as long as there are any. One that takes its time keeps no other one waiting. */
async function obey(task: CameraTask, orders: AsyncIterable<Order>, answer: (fields: Answer) => Promise<unknown>): Promise<void> {
  for await (const order of orders) {
    void outcomeOf(task, order)
      .then(answer)
      .catch(() => {});
  }
}

/** Has an order followed. @returns what is answered to it */
async function outcomeOf(task: CameraTask, order: Order): Promise<Answer> {
  const { order: number } = order;
  try {
    const snapshot = await task.follow(order);
    return { order: number, ...(snapshot && { snapshot }) };
  } catch (error) {
    return { order: number, error: inShort(HoldfastError.from(error)) };
  }
}

function inShort(error: HoldfastError): ErrorValue {
  const value = error.toValue();
  return { ...value, message: value.message.slice(0, LONGEST_MESSAGE) };
}
