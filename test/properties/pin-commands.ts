import fc from "fast-check";
import type { CommandRequest, Mode } from "../../src/protocol/requests.ts";

/** Times that lie on the grain of timing, so that sums of them are exact. */
const ms = fc.oneof(
  fc.integer({ min: 1, max: 60 }),
  fc.integer({ min: 1, max: 400 }).map((eighths) => eighths / 8),
);
const n = fc.integer({ min: 1, max: 4 });
const level = fc.constantFrom(0 as const, 1 as const);
const stretchMs = fc.integer({ min: 1, max: 40 });
const stretch = fc.oneof(fc.record({ level, ms: stretchMs }), fc.record({ levels: fc.tuple(level), ms: stretchMs }));
const common = {
  durationMs: fc.integer({ min: 1, max: 150 }),
  mode: fc.constantFrom<Mode>("wait", "nowait"),
};

function request<Op extends CommandRequest["op"], Fields extends object>(op: Op, fields: { [K in keyof Fields]: fc.Arbitrary<Fields[K]> }) {
  const record = fc.record({ ...fields, ...common } as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys: Object.keys(fields).filter((name) => name !== "n"),
  });
  return record.map((given) => ({ id: 0, op, pin: "GPIO17", ...given }) as unknown as CommandRequest);
}

/** Any command of an output, for GPIO17: endless or not, with or without a mode of its own. */
export const commandRequests: fc.Arbitrary<CommandRequest> = fc.oneof(
  request("on", {}),
  request("off", {}),
  request("toggle", {}),
  request("write", { levels: fc.tuple(level) }),
  request("value", { value: fc.constantFrom(0, 0.25, 0.5, 1) }),
  request("blink", { onMs: ms, offMs: ms, n }),
  request("pulse", { fadeInMs: ms, fadeOutMs: ms, n }),
  request("pattern", { steps: fc.array(stretch, { minLength: 1, maxLength: 4 }), n }),
);
