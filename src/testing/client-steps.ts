import fc from "fast-check";
import type { EventOf } from "../protocol/replies.ts";
import { subscribeRequests } from "./frame-requests.ts";
import { commandRequests, configureRequests, openRequests } from "./pin-requests.ts";
import { type Step, step } from "./script.ts";
import type { Asked } from "./scripted-client.ts";
import { topicFilters, topicNames } from "./topic-names.ts";
import type { World } from "./world.ts";

/** What a test looks at: whatever it has beside the world. */
export interface Scene {
  readonly world: World;
}

type Steps = readonly fc.Arbitrary<Step<Scene>>[];

/** How many clients come and go, unless a test says otherwise. */
const SEATS = 3;

/** A client asks for something, and is answered as it is. */
function asks(seat: number, asked: Asked): Step<Scene> {
  const { op, ...fields } = asked;
  const shown = JSON.stringify({ ...fields, id: undefined }, (_, value) => (typeof value === "bigint" ? `${value}` : value));
  return step(`${seat}: ${op} ${shown}`, async ({ world }) => {
    world.seat(seat).ask(asked);
    await world.settle();
  });
}

/** What programs may do with pins: open them, command them, configure them, read and watch them, close them. Many of it is refused. */
export function pinSteps({ pins, seats = SEATS }: { readonly pins: readonly string[]; readonly seats?: number }): Steps {
  const seat = fc.nat(seats - 1);
  const pin = fc.constantFrom(...pins);
  const anyPin = <A extends object>(request: fc.Arbitrary<A>) =>
    fc.tuple(seat, pin, request).map(([who, name, fields]) => asks(who, { ...fields, pin: name } as unknown as Asked));
  const commanded = anyPin(commandRequests(""));
  return [
    anyPin(openRequests("")),
    commanded,
    commanded,
    anyPin(configureRequests("")),
    anyPin(fc.record({ op: fc.constantFrom("read", "watch", "observe", "cancel") })),
    anyPin(fc.record({ op: fc.constant("close"), hard: fc.boolean() })),
  ];
}

/**
 * What programs may do with the slots of pools: acquire, publish and give them up, subscribe to frames and release them. A release or a
 * publication is of one of the client's latest leases, which may be over. Processes behind them do not exist: no pixel is written.
 */
export function slotSteps({ pools, seats = SEATS }: { readonly pools: readonly string[]; readonly seats?: number }): Steps {
  const seat = fc.nat(seats - 1);
  const pool = fc.constantFrom(...pools);
  const ofPool = <A extends object>(request: fc.Arbitrary<A>) =>
    fc.tuple(seat, pool, request).map(([who, name, fields]) => asks(who, { ...fields, pool: name } as unknown as Asked));
  const ofLease = (op: "slot.publish" | "slot.abort" | "slot.release") =>
    fc.tuple(seat, fc.nat(3)).map(([who, pick]) =>
      step<Scene>(
        `${who}: ${op} ${pick}`,
        async ({ world }) => {
          const leases = leasesOf(world, who, op === "slot.release");
          const lease = leases[pick % leases.length] as number;
          world.seat(who).ask(op === "slot.publish" ? { op, lease, bytes: 1 } : { op, lease });
          await world.settle();
        },
        ({ world }) => leasesOf(world, who, op === "slot.release").length > 0,
      ),
    );
  return [
    ofPool(fc.record({ op: fc.constant("slot.acquire") })),
    ofLease("slot.publish"),
    ofLease("slot.abort"),
    ofPool(subscribeRequests("")),
    ofLease("slot.release"),
    ofLease("slot.release"),
  ];
}

/** The leases that a client was given last, to read or to write, the latest first. */
function leasesOf(world: World, seat: number, toRead: boolean): readonly number[] {
  const client = world.seated(seat);
  if (client === null) return [];
  const granted = toRead
    ? client.events.filter((event): event is EventOf<"frame"> => event.ev === "frame").map(({ lease }) => lease)
    : client.answers.flatMap(({ reply }) => (reply !== null && "lease" in reply ? [reply.lease as number] : []));
  return granted.slice(-4).reverse();
}

/** What programs tell each other on topics. */
export function topicSteps({ seats = SEATS }: { readonly seats?: number } = {}): Steps {
  const seat = fc.nat(seats - 1);
  const published = fc.record({ op: fc.constant("topic.publish" as const), topic: topicNames, value: fc.nat(), retain: fc.boolean() });
  const subscribed = fc.record({ op: fc.constant("topic.subscribe" as const), topic: topicFilters });
  return [published, subscribed].map((request) => fc.tuple(seat, request as fc.Arbitrary<Asked>).map(([who, asked]) => asks(who, asked)));
}

/** Programs crash: their connections end, and with them what they hold. */
export function disconnects({ seats = SEATS }: { readonly seats?: number } = {}): fc.Arbitrary<Step<Scene>> {
  return fc.nat(seats - 1).map((seat) =>
    step(
      `${seat}: disconnects`,
      async ({ world }) => {
        world.vacate(seat);
        await world.settle();
      },
      ({ world }) => world.seated(seat) !== null,
    ),
  );
}

/** Programs are slow for a while: they take no events until they catch up. */
export function slowClients({ seats = SEATS }: { readonly seats?: number } = {}): fc.Arbitrary<Step<Scene>> {
  return fc.tuple(fc.nat(seats - 1), fc.boolean()).map(([seat, isSlow]) =>
    step(
      `${seat} ${isSlow ? "takes nothing" : "catches up"}`,
      ({ world }) => {
        const client = world.seat(seat);
        if (isSlow) client.ready = false;
        else client.catchUp();
      },
      ({ world }) => world.seated(seat)?.ready === isSlow,
    ),
  );
}

/** Time passes: up to `mostMs`. */
export function passes(mostMs: number): fc.Arbitrary<Step<Scene>> {
  return fc.integer({ min: 0, max: mostMs }).map((ms) => step(`${ms} ms pass`, ({ world }) => world.pass(ms)));
}

/** Time passes in which the machine is too busy to run anything: up to `mostMs`. What fell due runs late. */
export function stalls(mostMs: number): fc.Arbitrary<Step<Scene>> {
  return fc.integer({ min: 1, max: mostMs }).map((ms) =>
    step(`nothing runs for ${ms} ms`, async ({ world }) => {
      world.clock.stallMs(ms);
      await world.pass(0);
    }),
  );
}

/** Something outside drives wires, or lets go of them. */
export function wireSteps({ pins }: { readonly pins: readonly string[] }): fc.Arbitrary<Step<Scene>> {
  return fc.tuple(fc.constantFrom(...pins), fc.constantFrom(0 as const, 1 as const, null)).map(([pin, level]) =>
    step(`outside ${level === null ? `lets go of ${pin}` : `drives ${pin} to ${level}`}`, async ({ world }) => {
      world.wire(pin).drive(level);
      await world.settle();
    }),
  );
}
