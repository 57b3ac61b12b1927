import assert from "node:assert/strict";
import fc from "fast-check";
import { play, scripts, step, World } from "../../src/index-testing.ts";
import { fullAccess } from "../../src/protocol/access.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import type { CommandRequest, Mode } from "../../src/protocol/requests.ts";
import { type RemoteioRequest, RequestReader } from "../../src/transports/remoteio/request.ts";
import { Session } from "../../src/transports/remoteio/session.ts";
import { property } from "./property.ts";
import { sameTimes, timesWantedOn } from "./times-on.ts";
import { type Stretch, stretches, totalUs } from "./wave-oracle.ts";

const QUEUED = "! command on execution-queue";

const peer = { transport: "test", name: "remoteio", address: null, pid: null, uid: null, access: () => fullAccess };

/** Words as clients of remoteio send them, and words that nobody should. */
const words = fc.oneof(
  fc.constantFrom("b", "g", "11", "13", "1", "create", "on", "off", "toggle", "blink", "pulse", "value", "close", "0", "2000", "0.5"),
  fc.constantFrom(
    "",
    "-1",
    "nan",
    "1e309",
    "0x11",
    "__proto__",
    "exit()",
    "11+BOARD13",
    "\n",
    "\u{fe}\u{ff}",
    "9".repeat(64),
    "9".repeat(65),
  ),
  fc.string({ unit: "binary-ascii", maxLength: 12 }).map((text) => text.replaceAll(" ", "")),
);
const sentences = fc.tuple(fc.constantFrom("b", "b", "b", "b", "g"), words, words, words, words, words).map((six) => `${six.join(" ")} `);
const created = fc.constant("b 11 create 0 0.0 0.0 ");
const bytes = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.oneof(created, sentences), { maxLength: 30 }).map((all) => Buffer.from(all.join(""), "latin1")) },
  { weight: 1, arbitrary: fc.array(words, { maxLength: 60 }).map((all) => Buffer.from(`b ${all.join(" ")} `, "latin1")) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);

/** Everything that comes of some pieces: requests, and whether they could be read to their end. */
function read(pieces: readonly Uint8Array[]): { readonly requests: RemoteioRequest[]; readonly lost: string | null } {
  const reader = new RequestReader();
  const requests: RemoteioRequest[] = [];
  try {
    for (const piece of pieces) {
      reader.add(piece);
      for (let request = reader.next(); request !== null; request = reader.next()) requests.push(request);
    }
    return { requests, lost: null };
  } catch (error) {
    assert(error instanceof HoldfastError);
    return { requests, lost: error.code };
  }
}

property(
  "the same bytes are the same requests, however they are cut into pieces",
  fc.tuple(bytes, fc.array(fc.nat(400), { maxLength: 8 })),
  ([whole, cuts]) => {
    const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].sort((a, b) => a - b);
    const pieces = at.slice(1).map((end, index) => whole.subarray(at[index], end));
    assert.deepEqual(read(pieces), read([whole]));
  },
);

property("any bytes have replies, one a request, that a terminal can print, or an end; nobody else is concerned", bytes, async (sent) => {
  const world = new World();
  const other = world.join("conveyor");
  assert.equal(other.ask({ op: "open", pin: "GPIO22", direction: "out" }).outcome, "ok");
  const session = new Session(world.supervisor, peer, "wait");
  for (const request of read([sent]).requests) {
    let reply: string | null = null;
    const answered = Promise.resolve(session.answer(request)).then((text) => {
      reply = text;
    });
    // A pin that is just closing is waited for, for a second.
    await world.pass(0);
    if (reply === null) await world.pass(1000);
    await answered;
    assert.match(reply ?? "", /^[!?][\x20-\x7e]{0,249}$/);
  }
  const open = world.supervisor.status().pins.map(({ pin }) => pin);
  assert(open.every((pin) => ["GPIO17", "GPIO27", "GPIO22"].includes(pin)));
  assert.equal(other.ask({ op: "on", pin: "GPIO22" }).outcome, "ok");
  session.end();
  assert.deepEqual(world.defects, []);
});

const lines = [
  { board: 11, pin: "GPIO17", id: { chip: "sim:0", offset: 17 } },
  { board: 13, pin: "GPIO27", id: { chip: "sim:0", offset: 27 } },
];

type Given = Exclude<CommandRequest, { readonly op: "toggle" }>;

/** What a line was told, until it was to close. */
interface Told {
  readonly commands: { readonly request: Given; readonly atUs: number }[];
  /** When its client closed it, or had gone; Infinity: it has not. */
  closedUs: number;
  /** What ran was not to be waited for. */
  atOnce: boolean;
}

/** Two clients of remoteio's with a pin each, and what it was told. */
class Factory {
  readonly world = new World();
  readonly sessions: Session[];
  readonly told: Told[] = lines.map(() => ({ commands: [], closedUs: Number.POSITIVE_INFINITY, atOnce: false }));

  constructor(readonly mode: Mode) {
    this.sessions = lines.map(() => new Session(this.world.supervisor, peer, mode));
    for (const index of lines.keys()) assert.equal(this.say(index, "create 0 0.0 0.0"), "!");
  }

  say(index: number, said: string): string | Promise<string> {
    const { requests } = read([Buffer.from(`b ${lines[index]?.board} ${said} `)]);
    return (this.sessions[index] as Session).answer(requests[0] as RemoteioRequest);
  }

  command(index: number, said: string, request: Given): void {
    const told = this.told[index] as Told;
    const open = told.closedUs === Number.POSITIVE_INFINITY;
    assert.equal(this.say(index, said), open ? QUEUED : `? command ignored: ${request.op}`);
    if (open) told.commands.push({ request, atUs: this.world.nowMs * 1000 });
  }

  close(index: number): void {
    const open = this.told[index]?.closedUs === Number.POSITIVE_INFINITY;
    assert.equal(this.say(index, "close 0 0.0 0.0"), open ? QUEUED : "? command ignored: close");
    if (open) Object.assign(this.told[index] as Told, { closedUs: this.world.nowMs * 1000, atOnce: this.mode === "nowait" });
  }

  /** When each command has the line. In mode `wait` it is the next one's turn; in `nowait` the next one takes it. */
  turns({ commands, closedUs, atOnce }: Told): { readonly request: Given; readonly fromUs: number; readonly untilUs: number }[] {
    let freeUs = 0;
    return commands.map(({ request, atUs }, index) => {
      const nextUs = commands[index + 1]?.atUs ?? closedUs;
      const fromUs = this.mode === "wait" ? Math.max(atUs, freeUs) : atUs;
      const endUs = fromUs + totalUs(request);
      const isEndless = endUs === Number.POSITIVE_INFINITY;
      const isCut = isEndless || (this.mode === "nowait" && (atOnce || index < commands.length - 1));
      freeUs = Math.max(fromUs, isCut ? Math.min(endUs, nextUs) : endUs);
      return { request, fromUs, untilUs: freeUs };
    });
  }

  expected(told: Told): Stretch[] {
    return this.turns(told).flatMap(({ request, fromUs: beganUs, untilUs: endUs }) =>
      stretches(request, endUs - beganUs).map(({ level, fromUs, untilUs }) => ({
        level,
        fromUs: beganUs + fromUs,
        untilUs: beganUs + untilUs,
      })),
    );
  }
}

const ms = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 150 }));
const hundredths = fc.integer({ min: 1, max: 8 });
/** PWM is left out: its frequency is not the oracle's. */
const given = fc.oneof(
  fc.tuple(fc.constantFrom("on", "off"), ms).map(([op, timeMs]) => ({ op, timeMs, args: "0.0 0.0", fields: {} })),
  fc.tuple(hundredths, hundredths, ms).map(([on, off, timeMs]) => {
    return { op: "blink", timeMs, args: `${on / 100} ${off / 100}`, fields: { onMs: on * 10, offMs: off * 10 } };
  }),
);
const clients = fc.nat(lines.length - 1);
const told = fc.tuple(clients, given).map(([index, { op, timeMs, args, fields }]) => {
  const said = `${op} ${timeMs} ${args}`;
  const request = { id: 0, op, pin: "", ...fields, ...(timeMs > 0 && { durationMs: timeMs }) } as Given;
  return step<Factory>(`${index}: ${said}`, (factory) => factory.command(index, said, request));
});
const passed = fc.integer({ min: 1, max: 120 }).map((wait) => step<Factory>(`${wait} ms pass`, ({ world }) => world.pass(wait)));
const closed = clients.map((index) => step<Factory>(`${index}: close`, (factory) => factory.close(index)));

for (const mode of ["wait", "nowait"] as const) {
  property(
    `in mode ${mode} each pin does what it was told to, in its turn and for its time, whatever the other does and when its client goes`,
    fc.tuple(scripts([told, told, told, told, passed, passed, closed], 40), fc.nat(lines.length - 1)),
    async ([script, first]) => {
      const factory = new Factory(mode);
      await play(script, factory);
      for (const index of first === 0 ? [0, 1] : [1, 0]) {
        factory.sessions[index]?.end();
        const line = factory.told[index] as Told;
        line.closedUs = Math.min(line.closedUs, factory.world.nowMs * 1000);
        await factory.world.pass(37);
      }
      await factory.world.pass(60_000);
      assert.deepEqual(factory.world.supervisor.status().pins, []);
      for (const [index, { pin, id }] of lines.entries()) {
        // A command without an end is driven even if the next one is there already.
        const seen = factory.world.wire(pin).timesOn.filter(({ fromMs, untilMs }) => fromMs < untilMs);
        const wanted = timesWantedOn(factory.expected(factory.told[index] as Told));
        if (!sameTimes(seen, wanted)) assert.deepEqual(seen, wanted, `when ${pin} is on`);
        assert.deepEqual(factory.world.sim.uses(id), { requests: 1, releases: 1 });
      }
      assert.deepEqual(factory.world.defects, []);
    },
  );
}
