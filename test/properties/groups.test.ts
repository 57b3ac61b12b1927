import assert from "node:assert/strict";
import fc from "fast-check";
import { commandRequests, disconnects, passes, play, scripts, step, World } from "../../src/index-testing.ts";
import type { CommandRequest, Level } from "../../src/protocol/requests.ts";
import { property } from "./property.ts";

const at = (offset: number) => ({ chip: "sim:0", offset });
const level = fc.constantFrom<Level>(0, 1);
const levels = fc.tuple(level, level, level);
const offsets = [17, 27, 22];
const GROUP = offsets.map((offset) => `GPIO${offset}`).join("+");

const groupCommands = fc.oneof(
  commandRequests("GPIO17"),
  levels.map((each) => ({ id: 0, op: "write", pin: GROUP, levels: each }) as CommandRequest),
  fc
    .record({
      steps: fc.array(fc.record({ levels, ms: fc.integer({ min: 1, max: 40 }) }), { minLength: 1, maxLength: 5 }),
      n: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      durationMs: fc.option(fc.integer({ min: 1, max: 150 }), { nil: undefined }),
    })
    .map((fields) => ({ id: 0, op: "pattern", pin: GROUP, ...fields }) as CommandRequest),
);

/** What one line of a group is asked to do: its column of what all are. */
function columnOf(request: CommandRequest, pin: string, index: number): CommandRequest {
  const own = (all: readonly Level[] | undefined) => [all?.[index % all.length] ?? 0];
  if (request.op === "write") return { ...request, pin, levels: own(request.levels) };
  if (request.op !== "pattern") return { ...request, pin };
  const steps = request.steps.map(({ ms, ...step }) => (step.levels === undefined ? { ...step, ms } : { levels: own(step.levels), ms }));
  return { ...request, pin, steps };
}

/** The same, with a level for each line where there was one for a line alone. */
function forAll(request: CommandRequest): CommandRequest {
  const each = (all: readonly Level[]): Level[] => offsets.map((_, index) => all[index % all.length] ?? 0);
  if (request.op === "write") return { ...request, pin: GROUP, levels: each(request.levels) };
  if (request.op !== "pattern") return { ...request, pin: GROUP };
  const steps = request.steps.map((step) => (step.levels === undefined ? step : { ...step, levels: each(step.levels) }));
  return { ...request, pin: GROUP, steps };
}

property(
  "a group plays to each of its lines what that line would be played alone, at the same instants",
  fc.array(
    fc.record({
      request: groupCommands.filter(({ op }) => op !== "toggle").map(forAll),
      passMs: fc.integer({ min: 0, max: 90 }),
      stallMs: fc.constantFrom(0, 0, 0, 7, 70),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  async (commands) => {
    const [together, alone] = [new World(), new World()];
    const [group, single] = [together.join("group"), alone.join("single")];
    group.ask({ op: "open", pin: GROUP, direction: "out" });
    for (const offset of offsets) single.ask({ op: "open", pin: `GPIO${offset}`, direction: "out" });
    for (const { request, passMs, stallMs } of commands) {
      assert.equal(group.ask(request).outcome, "ok");
      for (const [index, offset] of offsets.entries()) assert.equal(single.ask(columnOf(request, `GPIO${offset}`, index)).outcome, "ok");
      for (const world of [together, alone]) {
        world.clock.stallMs(stallMs);
        await world.pass(passMs);
      }
    }
    for (const world of [together, alone]) await world.pass(1000);
    for (const offset of offsets) assert.deepEqual(together.sim.trace(at(offset)), alone.sim.trace(at(offset)));
  },
  100,
);

/** Wires from the lines of the group to lines that somebody outside the supervisor listens to: what they ever show at once. */
class Onlooker {
  readonly seen: string[] = [];
  readonly #wires = [5, 6, 13];

  constructor(world: World) {
    for (const [index, offset] of offsets.entries()) world.sim.wire(at(offset), at(this.#wires[index] as number));
    const input = { direction: "in", activeLow: false, bias: "as-is", debounceUs: 0 } as const;
    const look = () => this.seen.push(this.#wires.map((offset) => world.sim.level(at(offset))).join(""));
    const fail = (error: Error) => assert.fail(error);
    for (const offset of this.#wires) world.sim.request(at(offset), input, "onlooker", { edge: look, fail });
  }
}

property(
  "nobody ever sees half a write, from within whichever of its edges they look",
  fc.array(levels, { minLength: 1, maxLength: 20 }),
  (writes) => {
    const world = new World();
    const onlooker = new Onlooker(world);
    const client = world.join("client");
    client.ask({ op: "open", pin: GROUP, direction: "out" });
    const written = ["000"];
    for (const each of writes) {
      const before = onlooker.seen.length;
      client.ask({ op: "write", pin: GROUP, levels: each });
      const now = each.join("");
      const changes = [...now].filter((digit, index) => digit !== written.at(-1)?.[index]).length;
      assert.deepEqual(
        onlooker.seen.slice(before),
        Array.from({ length: changes }, () => now),
      );
      written.push(now);
    }
  },
);

const pins = [...offsets.map((offset) => `GPIO${offset}`), GROUP, "GPIO27+GPIO17", "GPIO22+GPIO5"];
const everyLine = [...offsets, 5];
const linesOf = (pin: string) => pin.split("+").map((name) => Number(name.slice("GPIO".length)));

/** Clients who open lines by themselves and in groups, and what must hold whatever they do. */
class Crowd {
  readonly world = new World({ drainMs: 200 });

  /** An open comes to what the lines that are in use allow. */
  open(seat: number, pin: string, direction: "out" | "in"): void {
    const open = this.world.supervisor.status().pins;
    const inTheWay = open.filter(({ pin: other }) => other !== pin && linesOf(other).some((line) => linesOf(pin).includes(line)));
    const { outcome, error } = this.world.seat(seat).ask({ op: "open", pin, direction, share: direction === "out" ? true : undefined });
    if (inTheWay.length === 0) return;
    assert(outcome === "PIN_BUSY" || (outcome === "PIN_CLOSING" && inTheWay.some(({ state }) => state === "closing")), outcome);
    const named = error?.details[outcome === "PIN_CLOSING" ? "pin" : "group"] ?? error?.details["member"];
    assert(
      inTheWay.some((other) => other.pin === named),
      `${named} is not in the way`,
    );
  }

  check(): void {
    const { sim, supervisor, defects } = this.world;
    assert.deepEqual(defects, []);
    const open = supervisor.status().pins;
    const used = open.flatMap(({ pin }) => linesOf(pin));
    assert.equal(new Set(used).size, used.length, "no line is in two open pins");
    for (const offset of everyLine) {
      const { requests, releases } = sim.uses(at(offset));
      assert.equal(requests - releases, used.includes(offset) ? 1 : 0, `GPIO${offset} is requested once, and released once`);
    }
    for (const { pin, levels: shown, direction } of open) {
      const lines = linesOf(pin);
      if (lines.length > 1 && direction === "out" && shown != null)
        assert.deepEqual(
          lines.map((line) => sim.level(at(line))),
          shown,
        );
    }
    const listed = supervisor.pins.all().filter(({ group }) => group !== undefined);
    for (const { pin, group = "" } of listed) assert(open.some((each) => each.pin === group && each.members?.includes(pin)));
  }
}

const seats = fc.nat(2);
const names = fc.constantFrom(...pins);
const act = (words: string, run: (crowd: Crowd) => void) =>
  step<Crowd>(words, async (crowd) => {
    run(crowd);
    await crowd.world.settle();
  });
const opened = fc
  .tuple(seats, names, fc.constantFrom<"out" | "in">("out", "out", "in"))
  .map(([seat, pin, direction]) => act(`${seat}: open ${pin} ${direction}`, (crowd) => crowd.open(seat, pin, direction)));
const commanded = fc.tuple(seats, names, groupCommands).map(([seat, pin, request]) =>
  act(`${seat}: ${request.op} ${pin}`, (crowd) => {
    crowd.world.seat(seat).ask({ ...request, pin });
  }),
);
const closed = fc.tuple(seats, names, fc.boolean()).map(([seat, pin, hard]) =>
  act(`${seat}: close ${pin} ${hard ? "hard" : ""}`, (crowd) => {
    crowd.world.seat(seat).ask({ op: "close", pin, hard });
  }),
);
const turned = fc.tuple(seats, names, fc.constantFrom<"out" | "in">("out", "in")).map(([seat, pin, direction]) =>
  act(`${seat}: ${pin} becomes ${direction}`, (crowd) => {
    crowd.world.seat(seat).ask({ op: "configure", pin, direction });
  }),
);
property(
  "whoever opens lines, by themselves and in groups, and crashes whenever, each line is in one pin at most, requested once and released once",
  scripts([opened, opened, opened, commanded, commanded, commanded, closed, turned, disconnects(), passes(60), passes(60)], 60),
  async (script) => {
    const crowd = new Crowd();
    await play(script, crowd, () => crowd.check());
    for (const seat of [0, 1, 2]) crowd.world.vacate(seat);
    crowd.world.supervisor.shutdown(false);
    await crowd.world.pass(1000);
    assert(crowd.world.stopped);
    for (const offset of everyLine) {
      const { requests, releases } = crowd.world.sim.uses(at(offset));
      assert.equal(requests, releases);
    }
  },
  100,
);
