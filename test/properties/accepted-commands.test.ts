import assert from "node:assert/strict";
import fc from "fast-check";
import type { CommandRequest } from "../../src/protocol/requests.ts";
import { commandRequests } from "./pin-commands.ts";
import { play, property, scripts, step } from "./property.ts";
import { sameTimes, timesOn, timesSeenOn } from "./times-on.ts";
import { type Stretch, stretches, totalUs } from "./wave-oracle.ts";
import { type Answer, type ScriptedClient, World } from "./world.ts";

type WaveRequest = Exclude<CommandRequest, { op: "toggle" }>;

const lines = [17, 27].map((offset) => ({ pin: `GPIO${offset}`, id: { chip: "sim:0", offset } }));
const CLIENTS = 2;

interface Accepted {
  readonly request: WaveRequest;
  readonly atUs: number;
  readonly answer: Answer<"on">;
}

/** Clients that share lines in mode `wait`, and what each line was asked to do. */
class Workshop {
  readonly world = new World();
  readonly clients: (ScriptedClient | null)[];
  readonly accepted = new Map<string, Accepted[]>(lines.map(({ pin }) => [pin, []]));

  constructor() {
    this.clients = Array.from({ length: CLIENTS }, (_, index) => this.world.join(`client ${index}`));
    for (const client of this.clients) {
      for (const { pin } of lines) client?.ask({ op: "open", pin, direction: "out", share: true });
    }
  }

  give(index: number, pin: string, request: WaveRequest): void {
    const answer = this.clients[index]?.ask({ ...request, pin, mode: "wait", ack: "done" } as CommandRequest) as Answer<"on"> | undefined;
    if (answer === undefined) return;
    if (answer.error === null) this.accepted.get(pin)?.push({ request, atUs: this.world.clock.nowUs(), answer });
    else assert(["PIN_NOT_OPEN", "PIN_BUSY", "PIN_CLOSING"].includes(answer.outcome));
  }

  leave(index: number): void {
    this.clients[index]?.leave();
    this.clients[index] = null;
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
const pins = fc.constantFrom(...lines.map(({ pin }) => pin));
const finite = commandRequests.filter((request): request is WaveRequest => {
  return request.op !== "toggle" && (request.durationMs !== undefined || ("n" in request && request.n !== undefined));
});
const given = fc.tuple(clients, pins, finite).map(([index, pin, request]) => {
  const { id: _id, pin: _pin, mode: _mode, op, ...fields } = request;
  return step<Workshop>(`${index}: ${op} ${pin} ${JSON.stringify(fields)}`, (workshop) => workshop.give(index, pin, request));
});
const passed = fc.integer({ min: 1, max: 120 }).map((ms) => step<Workshop>(`${ms} ms pass`, ({ world }) => world.pass(ms)));
const closed = fc
  .tuple(clients, pins)
  .map(([index, pin]) => step<Workshop>(`${index}: close ${pin}`, (workshop) => void workshop.clients[index]?.ask({ op: "close", pin })));
const left = clients.map((index) => step<Workshop>(`${index}: disconnects`, (workshop) => workshop.leave(index)));

property(
  "what was accepted is what the line does: all of it in order, each for its whole time, whoever has gone, and nothing after",
  scripts([given, given, given, given, passed, closed, left], 40),
  async (script) => {
    const workshop = new Workshop();
    await play(script, workshop);
    for (let index = 0; index < CLIENTS; index++) workshop.leave(index);
    await workshop.world.pass(120_000);
    assert.deepEqual(workshop.world.supervisor.status().pins, []);
    for (const { pin, id } of lines) {
      const [seen, wanted] = [timesSeenOn(workshop.world, id), timesOn(workshop.expected(pin))];
      if (!sameTimes(seen, wanted)) assert.deepEqual(seen, wanted, `when ${pin} is on`);
      for (const { answer } of workshop.accepted.get(pin) ?? []) assert.equal(answer.body.outcome, "done");
    }
  },
  200,
);
