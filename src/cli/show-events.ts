import type { HoldfastError } from "../protocol/errors.ts";

/**
 * Shows the events of streams as they come, each when the one before has been shown, until there were as many as are wanted.
 * @param most so many, of all streams together
 * @throws `ended` when a stream ends before that; what a stream ends with
 */
export async function showEvents<E>(
  streams: readonly AsyncIterable<E>[],
  most: number | undefined,
  show: (event: E) => Promise<void>,
  ended: HoldfastError,
): Promise<void> {
  let left = most ?? Number.POSITIVE_INFINITY;
  const follow = async (stream: AsyncIterable<E>) => {
    for await (const event of stream) {
      left -= 1;
      if (left >= 0) await show(event);
      if (left <= 0) return;
    }
    throw ended;
  };
  await Promise.race(streams.map(follow));
}
