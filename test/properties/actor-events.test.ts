import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Answer,
  type Asked,
  commandRequests,
  configureRequests,
  openRequests,
  type ScriptedClient,
  World,
} from "../../src/index-testing.ts";
import { type AccessTable, accessBy } from "../../src/protocol/access.ts";
import type { ActorEvent } from "../../src/protocol/requests.ts";
import { accessTables } from "./actor-rights.ts";
import { property } from "./property.ts";

const pools = ["cam0", "cam1"];
const pool = fc.constantFrom(...pools);

/** A request, the address of what it is for, and the event that it is there. */
interface Said {
  readonly request: Asked;
  /** Undefined: it is none for an actor, and is only there so that there is something to do. */
  readonly address?: string;
  readonly event?: ActorEvent;
}
type Fields = Record<string, unknown>;

/** What is asked of one thing: its name is in the field of its kind, and not in the event. */
const said = (
  kind: "pin" | "pool" | "process",
  name: fc.Arbitrary<string>,
  asked: fc.Arbitrary<Fields & { op: string }>,
): fc.Arbitrary<Said> =>
  fc.tuple(name, asked).map(([named, { id: _, [kind]: _named, op, ...fields }]) => ({
    request: { ...fields, op, [kind]: named } as unknown as Asked,
    address: `${kind}/${named}`,
    event: { ...fields, type: op.replace(/^\w+\./, "") },
  }));
const anyPin = fc.constantFrom("GPIO4", "17", "BOARD11", "GPIO17+GPIO27", "GPIO99");
const requestsToActors = fc.oneof(
  { weight: 4, arbitrary: said("pin", anyPin, commandRequests("") as fc.Arbitrary<never>) },
  said("pin", anyPin, fc.record({ op: fc.constantFrom("read", "cancel") })),
  said("pin", anyPin, fc.record({ op: fc.constant("close"), hard: fc.boolean() })),
  said("pin", anyPin, fc.record({ op: fc.constant("mode"), mode: fc.constantFrom("wait", "nowait") })),
  said("pin", anyPin, configureRequests("") as fc.Arbitrary<never>),
  said("pool", fc.constantFrom(...pools, "none"), fc.record({ op: fc.constant("pool.remove") })),
  said(
    "process",
    fc.constantFrom("algo", "late", "none"),
    fc.record({ op: fc.constantFrom("process.start", "process.stop", "process.restart") }),
  ),
);
const other: fc.Arbitrary<Said> = fc.oneof(
  fc.tuple(anyPin, openRequests("")).map(([pin, { id: _, ...fields }]) => ({ request: { ...fields, pin } as Asked })),
  pool.map((each) => ({ request: { op: "pool.create" as const, pool: each, slots: 4, bytes: 8 } })),
);
const conversation = fc.array(
  fc.record({
    who: fc.constantFrom("confined" as const, "owner" as const),
    said: fc.oneof({ weight: 2, arbitrary: requestsToActors }, { weight: 1, arbitrary: other }),
    verb: fc.constantFrom("actor.send" as const, "actor.ask" as const),
    passMs: fc.nat(40),
  }),
  { minLength: 1, maxLength: 40, size: "max" },
);

/** A world with somebody who may do this and that, and somebody who may do everything. */
class Counter {
  readonly world = new World({
    processes: { algo: { command: ["algo"] }, late: { command: ["late"], after: ["algo"], autostart: false } },
    programOf: () => ({ endsMs: 5 }),
  });
  readonly confined: ScriptedClient;
  readonly owner: ScriptedClient;

  constructor(table: AccessTable) {
    this.confined = this.world.welcome("confined", { access: () => accessBy([["some", table]]) });
    this.owner = this.world.join("owner");
  }

  /** All that can be seen of it. */
  get seen(): object {
    const { pins, pools, clients, processes, counters } = this.world.supervisor.status();
    const { requests: _requests, errors: _errors, ...counted } = counters;
    const levels = [4, 17, 27].map((offset) => this.world.sim.trace({ chip: "sim:0", offset }));
    return { pins, pools, clients, processes, counted, levels };
  }
}

/** What became of a request, whichever way it was asked. */
function outcomeOf({ reply, error }: Answer, verb: "actor.send" | "actor.ask" | null): unknown {
  if (error !== null || reply === null) return error?.code ?? "pending";
  if (verb === "actor.send") return "ok";
  // No such pool, process: what there is not at all has no address either.
  return verb === "actor.ask" ? (reply as { reply: unknown }).reply : reply;
}

/** There it is an unknown name, here an unknown address. */
const unknown: ReadonlySet<unknown> = new Set(["POOL_UNKNOWN", "PROCESS_UNKNOWN"]);

property(
  "an event does what the operation does, and is refused to whom that is refused",
  fc.tuple(accessTables, conversation),
  async ([table, talk]) => {
    const [plain, addressed] = [new Counter(table), new Counter(table)];
    const answers: { readonly op: Answer; readonly event: Answer; readonly verb: "actor.send" | "actor.ask" | null }[] = [];
    for (const {
      who,
      said: { request, address, event },
      verb,
      passMs,
    } of talk) {
      const isEvent = address !== undefined && event !== undefined;
      const sent: Asked = isEvent ? ({ op: verb, address, event, ...(verb === "actor.ask" && { timeoutMs: 1e9 }) } as Asked) : request;
      answers.push({ op: plain[who].ask(request), event: addressed[who].ask(sent), verb: isEvent ? verb : null });
      await Promise.all([plain.world.pass(passMs), addressed.world.pass(passMs)]);
      assert.deepEqual(addressed.seen, plain.seen);
      for (const { op, event, verb } of answers) {
        const outcome = outcomeOf(op, null);
        const expected = verb === "actor.send" && op.error === null && op.reply !== null ? "ok" : outcome;
        assert.deepEqual(outcomeOf(event, verb), unknown.has(expected) && verb !== null ? "ACTOR_UNKNOWN" : expected);
      }
    }
  },
);
