import type { HoldfastClient } from "../client/client.ts";
import type { EventStream } from "../client/event-stream.ts";
import { RealClock } from "../clock/real.ts";
import { type ErrorValue, HoldfastError } from "../protocol/errors.ts";
import type { EventOf } from "../protocol/replies.ts";
import { Capture } from "./capture.ts";

/** How often it tells what it has counted, in ms. */
const REPORT_EVERY_MS = 1000;

/** The longest sentence that a report takes. */
const LONGEST_MESSAGE = 4096;

type Order = EventOf<"order">;

/**
 * The capture process of a camera: does what the supervisor has it do until it is told to end.
 * @param ended aborts when it is to end
 * @throws HoldfastError why it can't go on, as `Capture.run` does, when it has told the supervisor
 */
export async function captureCamera(client: HoldfastClient, camera: string, ended: AbortSignal): Promise<void> {
  const report = (fields: { order?: number; state?: "paused"; counters?: Capture["counters"]; error?: ErrorValue }) =>
    client.request("camera.report", { camera, part: "capture", ...fields });
  const { settings, orders } = await client.attachCamera(camera, "capture");
  const pool = await client.pool(camera);
  const capture = new Capture(pool, settings, new RealClock(), { isPaused: settings.paused });
  const stop = () => capture.stop();
  ended.addEventListener("abort", stop);
  if (ended.aborted) stop();
  const counting = setInterval(() => void report({ counters: capture.counters }).catch(() => {}), REPORT_EVERY_MS);
  // Without its supervisor nobody wants its frames.
  void obey(capture, orders, (order, error) => report({ order, ...(error && { error }) })).finally(stop);
  // A camera that is paused has nothing else to show that it works.
  if (settings.paused)
    capture
      .nextFrame()
      .then(() => report({ state: "paused" }))
      .catch(() => {});
  try {
    await capture.run();
    await report({ counters: capture.counters });
  } catch (error) {
    const trouble = HoldfastError.from(error);
    await report({ counters: capture.counters, error: errorValue(trouble) }).catch(() => {});
    throw trouble;
  } finally {
    clearInterval(counting);
    ended.removeEventListener("abort", stop);
  }
}

/** Follows orders for as long as there are any. */
async function obey(
  capture: Capture,
  orders: EventStream<Order>,
  answer: (order: number, error?: ErrorValue) => Promise<unknown>,
): Promise<void> {
  for await (const order of orders) {
    // One that takes its time keeps no other one waiting.
    void follow(capture, order)
      .then(
        () => answer(order.order),
        (error) => answer(order.order, errorValue(HoldfastError.from(error))),
      )
      .catch(() => {});
  }
}

async function follow(capture: Capture, { type, fps }: Order): Promise<void> {
  if (type === "pause") capture.pause();
  else if (type === "resume") await capture.resume();
  else await capture.change(fps === undefined ? {} : { fps });
}

function errorValue(error: HoldfastError): ErrorValue {
  const value = error.toValue();
  return { ...value, message: value.message.slice(0, LONGEST_MESSAGE) };
}
