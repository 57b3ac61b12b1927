import assert from "node:assert/strict";
import fc from "fast-check";
import { type Asked, commandRequests, type ScriptedClient, World } from "../../src/index-testing.ts";
import { type AccessTable, accessBy } from "../../src/protocol/access.ts";
import { property } from "./property.ts";

/** The lines that are asked for, each with names that mean it. */
const lines = [
  { pin: "GPIO4", names: ["GPIO4", "4", "BOARD7"] },
  { pin: "GPIO17", names: ["GPIO17", "17", "BOARD11", "gpio17"] },
  { pin: "GPIO27", names: ["GPIO27", "27", "BOARD13"] },
] as const;
const pools = ["cam0", "cam1"] as const;

const anyNames = lines.flatMap(({ names }) => names);
const rightNames = (all: readonly string[]) => fc.oneof({ weight: 5, arbitrary: fc.subarray([...all]) }, fc.constant("*" as const));
const tables: fc.Arbitrary<AccessTable> = fc.record(
  {
    read: rightNames(anyNames),
    watch: rightNames(anyNames),
    command: rightNames(anyNames),
    frames: rightNames(pools),
    admin: fc.boolean(),
  },
  { requiredKeys: [] },
);

const single = fc.constantFrom(...anyNames);
/** A line, or a group of lines in the order of the header. */
const pin = fc.oneof(
  { weight: 4, arbitrary: single },
  fc.subarray([...lines], { minLength: 2 }).map((some) => some.map(({ names }) => names[0]).join("+")),
);
const pool = fc.constantFrom(...pools);
const direction = fc.constantFrom("out" as const, "in" as const);
const onDisconnect = fc.constantFrom("close" as const, "stay" as const);

const requests: fc.Arbitrary<Asked> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("open" as const), pin, direction, onDisconnect }) },
  { weight: 4, arbitrary: fc.tuple(commandRequests("GPIO17"), pin).map(([{ id: _, ...request }, pin]) => ({ ...request, pin }) as Asked) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("close" as const), pin, hard: fc.boolean() }) },
  fc.record({ op: fc.constantFrom("read" as const, "watch" as const, "observe" as const, "cancel" as const), pin }),
  fc.record({ op: fc.constant("mode" as const), pin, mode: fc.constantFrom("wait" as const, "nowait" as const) }),
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("configure" as const), pin, direction, onDisconnect }, { requiredKeys: ["op", "pin"] }),
  },
  fc.record({ op: fc.constant("pool.create" as const), pool, slots: fc.constant(4), bytes: fc.constant(64) }),
  fc.record({
    op: fc.constantFrom("pool.open" as const, "pool.remove" as const, "slot.acquire" as const, "frames.subscribe" as const),
    pool,
  }),
  fc.record({ op: fc.constant("sim.set" as const), pin: single, level: fc.constantFrom(0 as const, 1 as const, null) }),
  fc.record({ op: fc.constantFrom("ping" as const, "pins" as const, "status" as const, "pools" as const) }),
);

interface Step {
  readonly who: "confined" | "owner";
  readonly asked: Asked;
  readonly passMs: number;
}

const scripts = fc.array(
  fc.record({ who: fc.constantFrom("confined" as const, "confined" as const, "owner" as const), asked: requests, passMs: fc.nat(40) }),
  { minLength: 1, maxLength: 40, size: "max" },
);

/** The names that the table gives a right to, as canonical ones. */
function granted(table: AccessTable, right: "read" | "watch" | "command"): readonly string[] {
  const named = table[right] ?? [];
  return lines.filter(({ names }) => named === "*" || names.some((name) => named.includes(name))).map(({ pin }) => pin);
}

function canonical(name: string): readonly string[] {
  return name.split("+").map((part) => lines.find(({ names }) => (names as readonly string[]).includes(part))?.pin ?? part);
}

/** The lines that a request names. */
function pinOf(asked: Asked): readonly string[] | undefined {
  return "pin" in asked && asked.pin !== undefined ? canonical(asked.pin) : undefined;
}

/** What docs/configuration.md says, written down once more. @param direction of the pin as it is; null: it is closed */
function mayAsk(table: AccessTable, asked: Asked, direction: "out" | "in" | null): boolean {
  const named = pinOf(asked);
  const may = (right: "read" | "watch" | "command") => named?.every((each) => granted(table, right).includes(each)) === true;
  const maySee = () =>
    named?.every((each) => (["read", "watch", "command"] as const).some((right) => granted(table, right).includes(each))) === true;
  const mayUse = (to: "out" | "in") => may(to === "out" ? "command" : "watch");
  const mayTouch = () => (direction === null ? may("command") || may("watch") : mayUse(direction));
  switch (asked.op) {
    case "open":
      return mayUse(asked.direction);
    case "configure":
      return mayTouch() && (asked.direction === undefined || mayUse(asked.direction));
    case "close":
      return mayTouch();
    case "read":
    case "observe":
      return maySee();
    case "watch":
      return may("watch");
    case "sim.set":
      return table.admin === true;
    case "ping":
    case "pins":
    case "status":
    case "pools":
      return true;
    default:
      if (named !== undefined) return may("command");
      return "pool" in asked && (table.frames === "*" || (table.frames ?? []).includes(asked.pool));
  }
}

/** A world with a client that asks whatever it likes, and one that may do everything. */
class Office {
  readonly world = new World();
  readonly confined: ScriptedClient;
  readonly owner: ScriptedClient;

  /** @param table what the first one may do; null: everything */
  constructor(table: AccessTable | null) {
    this.confined = this.world.welcome("confined", table === null ? {} : { access: () => accessBy([["some", table]]) });
    this.owner = this.world.join("owner");
  }

  /** The direction of the pin that a request names, where that is open. */
  directionOf(asked: Asked): "out" | "in" | null {
    const named = pinOf(asked);
    return (named && this.world.shown(named.join("+"))?.direction) ?? null;
  }

  /** All that others see of the world. */
  get seen(): object {
    const { pins, pools, clients, counters } = this.world.supervisor.status();
    const { requests: _requests, errors: _errors, ...counted } = counters;
    const traces = lines.map((_, index) => this.world.sim.trace({ chip: "sim:0", offset: [4, 17, 27][index] as number }));
    return { pins, pools, clients, counted, traces, told: [this.owner.events, this.confined.events] };
  }
}

const ownViews: ReadonlySet<string> = new Set(["pins", "status", "pools"]);

property(
  "what is forbidden is as if it had not been asked, and what is not is as if there were no rights",
  fc.tuple(tables, scripts),
  async ([table, script]: [AccessTable, readonly Step[]]) => {
    const [real, twin] = [new Office(table), new Office(null)];
    for (const { who, asked, passMs } of script) {
      const isForbidden = who === "confined" && !mayAsk(table, asked, real.directionOf(asked));
      const answer = real[who].ask(asked);
      if (isForbidden) assert.equal(answer.outcome, "FORBIDDEN");
      else {
        const other = twin[who].ask(asked);
        await Promise.all([real.world.settle(), twin.world.settle()]);
        if (!ownViews.has(asked.op)) assert.deepEqual(answer.reply, other.reply);
      }
      await Promise.all([real.world.pass(passMs), twin.world.pass(passMs)]);
      assert.deepEqual(real.seen, twin.seen);
    }
  },
);

property(
  "a client is shown the lines and pools that it may see, and no others",
  fc.tuple(tables, scripts),
  async ([table, script]: [AccessTable, readonly Step[]]) => {
    const { world, confined, owner } = new Office(table);
    for (const { asked, passMs } of script) {
      owner.ask(asked);
      await world.pass(passMs);
    }
    const seen = new Set((["read", "watch", "command"] as const).flatMap((right) => granted(table, right)));
    const isSeen = (pin: string) => pin.split("+").every((part) => seen.has(part));
    const isEverything = (["read", "watch", "command"] as const).some((right) => table[right] === "*");
    const all = owner.ask({ op: "status" }).body;
    const shown = confined.ask({ op: "status" }).body;
    const mayUse = (name: string) => table.frames === "*" || (table.frames ?? []).includes(name);
    assert.deepEqual(
      shown.pins,
      all.pins.filter(({ pin }) => isEverything || isSeen(pin)),
    );
    assert.deepEqual(
      shown.pools.map(({ pool }) => pool),
      all.pools.map(({ pool }) => pool).filter(mayUse),
    );
    if (isEverything) return;
    assert.deepEqual(
      confined
        .ask({ op: "pins" })
        .body.pins.map(({ pin }) => pin)
        .sort(),
      [...seen].sort(),
    );
    assert(shown.clients.flatMap(({ pins }) => pins).every(isSeen));
  },
);
