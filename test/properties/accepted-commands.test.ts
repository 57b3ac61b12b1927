import assert from "node:assert/strict";
import fc from "fast-check";
import { type Answer, commandRequests, disconnects, passes, play, scripts, step, World } from "../../src/index-testing.ts";
import type { CommandRequest } from "../../src/protocol/requests.ts";
import { property } from "./property.ts";
import { sameTimes, timesWantedOn } from "./times-on.ts";
import { type Stretch, stretches, totalUs } from "./wave-oracle.ts";

type WaveRequest = Exclude<CommandRequest, { op: "toggle" }>;

const pins = ["GPIO17", "GPIO27"];
const CLIENTS = 2;

interface Accepted {
  readonly request: WaveRequest;
  readonly atUs: number;
  readonly answer: Answer<"on">;
}

/** Clients that share lines in mode `wait`, and what each line was asked to do. */
class Workshop {
  readonly world = new World();
  readonly accepted = new Map<string, Accepted[]>(pins.map((pin) => [pin, []]));

  constructor() {
    for (let seat = 0; seat < CLIENTS; seat++) {
      for (const pin of pins) this.world.seat(seat).ask({ op: "open", pin, direction: "out", share: true });
    }
  }

  give(seat: number, pin: string, request: WaveRequest): void {
    const answer = this.world.seated(seat)?.ask({ ...request, pin, mode: "wait", ack: "done" } as CommandRequest) as
      | Answer<"on">
      | undefined;
    if (answer === undefined) return;
    if (answer.error === null) this.accepted.get(pin)?.push({ request, atUs: this.world.nowMs * 1000, answer });
    else assert(["PIN_NOT_OPEN", "PIN_BUSY", "PIN_CLOSING"].includes(answer.outcome));
  }

  /** What a line has to do: each command in its turn, for its whole time, and off in between. */
  expected(pin: string): Stretch[] {
    let freeUs = 0;
    return (this.accepted.get(pin) ?? []).flatMap(({ request, atUs }) => {
      const startUs = Math.max(atUs, freeUs);
      freeUs = startUs + totalUs(request);
      return stretches(request, Number.POSITIVE_INFINITY).map(({ level, fromUs, untilUs }) => ({
        level,
        fromUs: startUs + fromUs,
        untilUs: startUs + untilUs,
      }));
    });
  }
}

const clients = fc.nat(CLIENTS - 1);
const anyPin = fc.constantFrom(...pins);
const finite = commandRequests("GPIO17").filter((request): request is WaveRequest => {
  return request.op !== "toggle" && (request.durationMs !== undefined || ("n" in request && request.n !== undefined));
});
const given = fc.tuple(clients, anyPin, finite).map(([index, pin, request]) => {
  const { id: _id, pin: _pin, mode: _mode, op, ...fields } = request;
  return step<Workshop>(`${index}: ${op} ${pin} ${JSON.stringify(fields)}`, (workshop) => workshop.give(index, pin, request));
});
const closed = fc
  .tuple(clients, anyPin)
  .map(([index, pin]) =>
    step<Workshop>(`${index}: close ${pin}`, (workshop) => void workshop.world.seated(index)?.ask({ op: "close", pin })),
  );
property(
  "what was accepted is what the line does: all of it in order, each for its whole time, whoever has gone, and nothing after",
  scripts([given, given, given, given, passes(120), closed, disconnects({ seats: CLIENTS })], 40),
  async (script) => {
    const workshop = new Workshop();
    await play(script, workshop);
    for (let index = 0; index < CLIENTS; index++) workshop.world.vacate(index);
    await workshop.world.pass(120_000);
    assert.deepEqual(workshop.world.supervisor.status().pins, []);
    for (const pin of pins) {
      const [seen, wanted] = [workshop.world.wire(pin).timesOn, timesWantedOn(workshop.expected(pin))];
      if (!sameTimes(seen, wanted)) assert.deepEqual(seen, wanted, `when ${pin} is on`);
      for (const { answer } of workshop.accepted.get(pin) ?? []) assert.equal(answer.body.outcome, "done");
    }
  },
  200,
);
