import assert from "node:assert/strict";
import fc from "fast-check";
import { type Asked, disconnects, pinSteps, play, scripts, slotSteps, step, World, wireSteps } from "../../src/index-testing.ts";
import type { AccessTable } from "../../src/protocol/access.ts";
import { type Address, formatAddress, parseAddress } from "../../src/protocol/addresses.ts";
import type { Client } from "../../src/supervisor/client.ts";
import { ActorFollower } from "./actor-follower.ts";
import { accessTables } from "./actor-rights.ts";
import { property } from "./property.ts";
import { SimActorFolder } from "./sim-actors.ts";

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/);
/** Whatever a line is called. */
const lineName = fc.oneof(
  fc.string({ minLength: 1, unit: "binary" }),
  fc.constantFrom("GPIO17+GPIO27", "/dev/gpiochip0:4", "pin/x", "a/slot/3"),
);
const number = fc.nat({ max: 999_999 });
const addresses: fc.Arbitrary<Address> = fc.oneof(
  fc.constant({ kind: "supervisor" as const }),
  fc.record({ kind: fc.constant("pin" as const), pin: lineName }),
  fc.record({ kind: fc.constant("pool" as const), pool: name }),
  fc.record({ kind: fc.constant("slot" as const), pool: name, slot: number }),
  fc.record({ kind: fc.constant("process" as const), process: name }),
  fc.record({ kind: fc.constant("camera" as const), camera: name }),
  fc.record({ kind: fc.constant("client" as const), client: number }),
  fc.record({ kind: fc.constant("actor" as const), actor: name }),
);

property("an address is read as what it was written of, and no two are written alike", addresses, (address) => {
  assert.deepEqual(parseAddress(formatAddress(address)), { ...address });
});

const pieces = fc.array(fc.constantFrom("pin", "pool", "slot", "client", "supervisor", "/", "/", "0", "07", "12", "cam0", ".", "é", ""), {
  maxLength: 6,
});
property(
  "whatever text is an address is written so again",
  fc.oneof(
    fc.string(),
    pieces.map((all) => all.join("")),
  ),
  (text) => {
    const address = parseAddress(text);
    if (address !== undefined) assert.equal(formatAddress(address), text);
  },
);

const pins = ["GPIO4", "17", "GPIO17+GPIO27"];
const pools = ["cam0", "cam1"];
const processes = {
  algo: { command: ["algo"], backoffMs: 10, graceMs: 20 },
  late: { command: ["late"], after: ["algo"], autostart: false },
};
/** Nothing ever brings a frame of it. */
const film = { pipeline: ["film"], width: 8, height: 4, format: "GREY" as const, startMs: 30, backoffMs: 10, graceMs: 10 };
const observed = [
  "pin/GPIO4",
  "pin/GPIO17+GPIO27",
  "pool/cam0",
  "pool/cam0/slot/1",
  "process/algo",
  "client/2",
  "actor/door",
  "actor/gate",
  "camera/front",
  "supervisor",
];

/** A world, and somebody who follows what its actors do. */
class Office {
  readonly folder = new SimActorFolder({
    "door.ts": { pins: { GPIO22: 10 }, runsMs: 60, after: "fails" },
    "bell.ts": { loads: 5, runsMs: 20, after: "done" },
    "lift.ts": { endsMs: 15 },
  });
  readonly world = new World({
    actors: this.folder.parts({ backoffMs: 10, graceMs: 10 }),
    processes,
    cameras: { front: film },
    drainMs: 200,
    chance: () => 0.5,
    programOf: ({ environment }) => (environment["HOLDFAST_PROCESS"] === "algo" ? { runsMs: 30, status: 1, endsMs: 5 } : {}),
  });
  readonly followers: ActorFollower[] = [];

  /** @param table what others who follow than the first one may do */
  constructor(readonly table: AccessTable) {}

  check(): void {
    for (const follower of this.followers) {
      const isAllowed = (address: string, right: "see" | "watch") => mayFollow(follower, address, right);
      follower.check(isAllowed);
      const all = this.world.supervisor.addresses.list(this.first).map(({ address }) => address);
      const shown = follower.client.ask({ op: "actors" }).body.actors.map(({ address }) => address);
      const allowed = all.filter((address) => isAllowed(address, "see"));
      assert.deepEqual(shown, allowed, "it is shown what it may see");
    }
  }

  follow(): void {
    this.followers.push(new ActorFollower(this.world, observed, this.followers.length === 0 ? null : this.table));
  }

  /** The one who may see everything. */
  get first(): Client {
    return (this.followers[0] as ActorFollower).client.client;
  }
}

/** What docs/addresses.md says of who sees what. */
function mayFollow({ table, client }: ActorFollower, address: string, right: "see" | "watch"): boolean {
  if (table === null) return true;
  const parsed = parseAddress(address) as Address;
  const has = (list: AccessTable["read"], names: readonly string[]) => list === "*" || names.some((name) => list?.includes(name));
  switch (parsed.kind) {
    case "pin":
      return parsed.pin.split("+").every((line) => {
        const names = line === "GPIO4" ? ["GPIO4", "4"] : [line, line.slice(4), "BOARD11"].slice(0, line === "GPIO17" ? 3 : 2);
        return [table.watch, ...(right === "see" ? [table.read, table.command] : [])].some((list) => has(list, names));
      });
    case "pool":
    case "slot":
      return has(table.frames, [parsed.pool]);
    case "camera":
      return has(table.frames, [parsed.camera]);
    case "process":
      return table.admin === true;
    case "client":
      return table.admin === true || parsed.client === client.number;
    case "actor":
      return has(table.actors, [parsed.actor]);
    default:
      return parsed.kind === "supervisor";
  }
}

const act = (words: string, run: (office: Office) => void, applies?: (office: Office) => boolean) =>
  step<Office>(
    words,
    async (office) => {
      run(office);
      await office.world.settle();
    },
    applies,
  );
const actor = fc.constantFrom("door", "bell", "lift");
const operator = ({ world }: Office) => world.seat(0);
const process = fc.constantFrom(...Object.keys(processes));
const pool = fc.constantFrom(...pools);
const life = [
  fc
    .tuple(process, fc.constantFrom("start" as const, "stop" as const, "restart" as const))
    .map(([each, verb]) => act(`${verb} ${each}`, (office) => void operator(office).ask({ op: `process.${verb}`, process: each }))),
  pool.map((each) => act(`make ${each}`, (office) => void operator(office).ask({ op: "pool.create", pool: each, slots: 4, bytes: 8 }))),
  pool.map((each) => act(`remove ${each}`, (office) => void operator(office).ask({ op: "pool.remove", pool: each }))),
  pool.map((each) =>
    act(`delete the file of ${each}`, ({ world }) => {
      const path = world.supervisor.pools.all().find((info) => info.pool === each)?.layout.path;
      if (path !== undefined && world.memory.paths.includes(path)) world.memory.vanish(path);
    }),
  ),
  fc
    .tuple(actor, fc.constantFrom("start" as const, "stop" as const, "restart" as const))
    .map(([each, verb]) => act(`${verb} actor ${each}`, (office) => void operator(office).ask({ op: `actor.${verb}`, actor: each }))),
  fc.tuple(fc.constantFrom("front", "back"), fc.constantFrom("create", "start", "stop", "pause", "remove")).map(([each, verb]) =>
    act(`${verb} camera ${each}`, (office) => {
      const settings = verb === "create" ? film : {};
      operator(office).ask({ op: `camera.${verb}`, camera: each, ...settings } as Asked);
    }),
  ),
  fc.tuple(actor, fc.nat(3)).map(([each, turn]) =>
    act(`write ${each} ${turn}, and reload`, (office) => {
      const written = [undefined, { pins: { GPIO27: 5 } }, { name: "gate", runsMs: 10 }, { refusal: { code: "BAD_ACTOR", message: "no" } }];
      office.folder.write(`${each}.ts`, written[turn]);
      operator(office).ask({ op: "reload" });
    }),
  ),
  fc.constant(
    act(
      "somebody follows",
      (office) => office.follow(),
      ({ followers }) => followers.length < 3,
    ),
  ),
  fc.tuple(fc.nat(2), fc.boolean()).map(([index, isSlow]) =>
    act(
      `follower ${index} ${isSlow ? "takes nothing" : "catches up"}`,
      ({ followers }) => {
        const { client } = followers[index] as ActorFollower;
        if (isSlow) client.ready = false;
        else client.catchUp();
      },
      ({ followers }) => followers[index]?.client.ready === isSlow,
    ),
  ),
  fc.integer({ min: 1, max: 40 }).map((ms) => step<Office>(`${ms} ms pass`, ({ world }) => world.pass(ms))),
];

property(
  "whatever happens, who follows the transitions knows the state of every actor that it may see, as it is shown, and of no other",
  fc.tuple(
    accessTables,
    scripts<Office>([...pinSteps({ pins }), ...slotSteps({ pools }), wireSteps({ pins: ["GPIO4"] }), disconnects(), ...life], 80),
  ),
  async ([table, script]) => {
    const office = new Office(table);
    office.follow();
    office.follow();
    office.world.supervisor.startAll();
    await play(script, office, () => office.check());
    for (const { client } of office.followers) client.catchUp();
    office.check();
    office.world.supervisor.shutdown();
    await office.world.pass(300, () => office.check());
    const ours = office.world.defects.filter((defect) => /must not|traced/.test(defect));
    assert.deepEqual(ours, []);
  },
  40,
);
