/** Makes one request; resolves with its reply. */
export type Ask = () => Promise<unknown>;

/** Keeps so many requests under way until `count` have been answered. @returns how long each took, in µs */
export async function keepInFlight(ask: Ask, inFlight: number, count: number): Promise<number[]> {
  const tookUs: number[] = [];
  let left = count;
  const keepOne = async () => {
    while (left-- > 0) {
      const began = performance.now();
      await ask();
      tookUs.push((performance.now() - began) * 1000);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, keepOne));
  return tookUs;
}
