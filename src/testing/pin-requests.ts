import fc from "fast-check";
import type { CloseLevel, CommandRequest, Level, Mode, RequestOf } from "../protocol/requests.ts";

/** Times that lie on the grain of timing, so that sums of them are exact. */
const ms = fc.oneof(
  fc.integer({ min: 1, max: 60 }),
  fc.integer({ min: 1, max: 400 }).map((eighths) => eighths / 8),
);
const n = fc.integer({ min: 1, max: 4 });
const level = fc.constantFrom<Level>(0, 1);
const mode = fc.constantFrom<Mode>("wait", "nowait");
const stretchMs = fc.integer({ min: 1, max: 40 });
const stretch = fc.oneof(fc.record({ level, ms: stretchMs }), fc.record({ levels: fc.tuple(level), ms: stretchMs }));

function command<Op extends CommandRequest["op"], Fields extends object>(op: Op, fields: { [K in keyof Fields]: fc.Arbitrary<Fields[K]> }) {
  const durationMs = fc.integer({ min: 1, max: 150 });
  const record = fc.record({ ...fields, durationMs, mode } as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys: Object.keys(fields).filter((name) => name !== "n"),
  });
  return record.map((given) => ({ op, ...given }));
}

const commands = fc.oneof(
  command("on", {}),
  command("off", {}),
  command("toggle", {}),
  command("write", { levels: fc.tuple(level) }),
  command("value", { value: fc.constantFrom(0, 0.25, 0.5, 1) }),
  command("blink", { onMs: ms, offMs: ms, n }),
  command("pulse", { fadeInMs: ms, fadeOutMs: ms, n }),
  command("pattern", { steps: fc.array(stretch, { minLength: 1, maxLength: 4 }), n }),
);

/** Any command of an output: endless or not, with or without a mode of its own. */
export function commandRequests(pin: string): fc.Arbitrary<CommandRequest> {
  return commands.map(({ op, ...fields }) => ({ id: 0, op, pin, ...fields }) as unknown as CommandRequest);
}

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const common = {
  bias: optional(fc.constantFrom("pull-up" as const, "as-is" as const)),
  onDisconnect: optional(fc.constantFrom("close" as const, "stay" as const)),
};
const outputFields = {
  // Named seldom: most who open a pin say nothing of it, and then others can't agree with it.
  maxOnMs: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(10, 25, 100) }),
  mode: optional(mode),
  initial: optional(level),
  closeLevel: optional(fc.constantFrom<CloseLevel>("off", "on", "keep")),
};
const waitMs = optional(fc.integer({ min: 1, max: 200 }));
const heartbeatMs = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(0.5, 5, 20, 40, 120) },
);
const [out, input] = [fc.constant("out" as const), fc.constant("in" as const)];

const openings = fc.oneof(
  { weight: 3, arbitrary: fc.record({ direction: out, share: fc.boolean(), waitMs, heartbeatMs, ...common, ...outputFields }) },
  { weight: 3, arbitrary: fc.record({ direction: out, share: fc.constant(true), heartbeatMs }) },
  { weight: 2, arbitrary: fc.record({ direction: input, ...common, heartbeatMs, waitMs }) },
);

/** Any way to open a pin, as an output or an input. */
export function openRequests(pin: string): fc.Arbitrary<RequestOf<"open">> {
  return openings.map((fields) => ({ id: 0, op: "open", pin, ...defined(fields) }) as RequestOf<"open">);
}

const changes = fc.oneof(
  fc.record({ ...common, ...outputFields }),
  fc.record({ direction: out, ...common, ...outputFields }),
  fc.record({ direction: input, ...common }),
);

/** Any other settings for a pin that is open. */
export function configureRequests(pin: string): fc.Arbitrary<RequestOf<"configure">> {
  return changes.map((fields) => ({ id: 0, op: "configure", pin, ...defined(fields) }) as RequestOf<"configure">);
}

/** The fields that a request names. */
function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
