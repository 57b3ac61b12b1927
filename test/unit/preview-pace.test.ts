import { expect, test } from "bun:test";
import { PreviewPace } from "../../src/cameras/preview-pace.ts";

/** Those of `framesMs` that a pace takes. */
function taken(pace: PreviewPace, framesMs: readonly number[]): number[] {
  return framesMs.filter((ms) => pace.takes(BigInt(Math.round((60_000 + ms) * 1e6))));
}

test("one frame a period is taken, that which is nearest to when one is due", () => {
  const frames = Array.from({ length: 40 }, (_, index) => index * 33);
  expect(taken(new PreviewPace(5, 30), frames)).toEqual([0, 198, 396, 594, 792, 990, 1188]);
});

test("where fewer come than are wanted all are taken, though none comes when it is due", () => {
  const frames = [0, 260, 490, 755, 1000, 1240];
  expect(taken(new PreviewPace(5, 4), frames)).toEqual(frames);
  expect(taken(new PreviewPace(4, 4), frames)).toEqual(frames);
});

test("of frames that come at once one is taken, however late they are", () => {
  for (let lateMs = 0; lateMs < 1000; lateMs++) {
    const pace = new PreviewPace(5, 30);
    expect(taken(pace, [0, 200, 400])).toHaveLength(3);
    expect(taken(pace, [600 + lateMs, 600 + lateMs, 600 + lateMs])).toHaveLength(1);
  }
});
