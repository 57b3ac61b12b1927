import fc from "fast-check";
import { type Asked, commandRequests, configureRequests, openRequests, play, scripts, step } from "../../src/index-testing.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import type { CommandRequest, Level, Mode } from "../../src/protocol/requests.ts";
import type { Armed } from "./holding-model.ts";
import { lines, Office, SEATS } from "./holding-office.ts";
import { property } from "./property.ts";

const boardPin: Record<number, number> = { 17: 11, 27: 13, 22: 15 };
const aliases = fc.tuple(fc.constantFrom(...lines), fc.nat(3)).map(([{ name, id }, alias]) => ({
  name,
  pin: [name, `${id.offset}`, `BOARD${boardPin[id.offset]}`, `holdfast-sim:${id.offset}`][alias] as string,
}));

const seats = fc.nat(SEATS - 1);

function act(words: string, run: (office: Office) => void | Promise<void>, applies: (office: Office) => boolean = () => true) {
  return step<Office>(
    words,
    async (office) => {
      await run(office);
      await office.world.settle();
      office.reconcile();
      office.check();
    },
    (office) => !office.world.stopped && applies(office),
  );
}

/** Most requests come from those who may make them; the others try. */
const mayTry = fc.constantFrom(false, false, false, true);

const mode = fc.constantFrom<Mode>("wait", "nowait");
const level = fc.constantFrom<Level>(0, 1);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const acks = optional(fc.constantFrom("accepted" as const, "started" as const, "done" as const));
const show = (fields: object) => JSON.stringify(fields);

const opened = fc
  .tuple(seats, aliases, openRequests(""))
  .map(([seat, at, { id: _id, op: _op, pin: _pin, ...fields }]) =>
    act(`${seat}: open ${at.pin} ${show(fields)}`, (office) => office.open(seat, at, fields)),
  );
const commanded = fc.tuple(seats, aliases, commandRequests("GPIO17"), acks, mayTry).map(([seat, { name, pin }, request, ack, tries]) => {
  const asked = { ...request, pin, ...(ack === undefined ? {} : { ack }) } as CommandRequest;
  const words = `${seat}: ${request.op} ${pin} ${show({ ...asked, id: undefined, op: undefined, pin: undefined })}`;
  return act(
    words,
    (office) => {
      office.ask(seat, asked, (client) => office.model.command(client, name));
    },
    (office) => tries || office.holds(seat, name),
  );
});
const configured = fc
  .tuple(seats, aliases, configureRequests(""), mayTry)
  .map(([seat, { name, pin }, { id: _id, op: _op, pin: _pin, ...wanted }, tries]) =>
    act(
      `${seat}: configure ${pin} ${show(wanted)}`,
      (office) => {
        const isBusy = office.isBusy(name);
        office.ask(seat, { op: "configure", pin, ...wanted }, (client) => office.model.configure(client, name, wanted, isBusy));
      },
      (office) => tries || office.holds(seat, name),
    ),
  );
const closed = fc.tuple(seats, aliases, fc.constantFrom(false, false, true)).map(([seat, { name, pin }, hard]) =>
  act(`${seat}: close ${pin} ${hard ? "hard" : ""}`, (office) => {
    office.ask(seat, { op: "close", pin, hard }, (client) => office.model.close(client, name));
  }),
);
const others = fc
  .tuple(seats, aliases, mayTry, fc.constantFrom<Asked["op"]>("mode", "cancel", "watch", "observe", "read"), mode)
  .map(([seat, { name, pin }, tries, op, newMode]) =>
    act(
      `${seat}: ${op} ${pin}${op === "mode" ? ` ${newMode}` : ""}`,
      (office) => {
        const { model } = office;
        const asked = (op === "mode" ? { op, pin, mode: newMode } : { op, pin }) as Asked;
        const isReleased = office.isBeingReleased(name);
        office.ask(seat, asked, (client) => {
          if (op === "mode") return model.mode(client, name, newMode);
          if (op === "cancel") return model.cancel(client, name);
          if (op === "watch") return model.watch(client, name);
          if (op === "read") return isReleased ? "PIN_CLOSING" : model.read(name);
          return "ok";
        });
      },
      (office) => tries || office.holds(seat, name),
    ),
  );
const pinged = seats.map((seat) =>
  act(`${seat}: ping`, (office) => {
    office.ask(seat, { op: "ping" }, () => "ok");
  }),
);
const left = seats.map((seat) => act(`${seat}: disconnects`, (office) => office.leave(seat)));
const passed = fc.integer({ min: 0, max: 80 }).map((ms) => act(`${ms} ms pass`, (office) => office.pass(ms)));
const stalled = fc.integer({ min: 1, max: 300 }).map((ms) => act(`nothing runs for ${ms} ms`, (office) => office.stall(ms)));
const outside = fc
  .tuple(fc.constantFrom(...lines), fc.option(level))
  .map(([{ name, id }, to]) => act(`outside drives ${name} to ${to}`, (office) => office.world.sim.drive(id, to)));
const failures = fc
  .tuple(fc.constantFrom(...lines), fc.constantFrom<Armed>("request", "get", "reconfigure"))
  .map(([{ name, id }, failing]) =>
    act(`the next ${failing} of ${name} fails`, (office) => {
      office.world.sim.failNext(id, failing, new HoldfastError("LINE_FAILED", "as asked for"));
      office.model.arm(name, failing);
    }),
  );
const losses = fc.constantFrom(...lines).map(({ name, id }) =>
  act(`the next change of ${name} fails`, (office) => {
    office.world.sim.failNext(id, "set", new HoldfastError("LINE_FAILED", "as asked for"));
    office.fragile.add(name);
  }),
);
const slow = fc.tuple(fc.constantFrom(...lines), fc.integer({ min: 1, max: 100_000 })).map(([{ name, id }, us]) =>
  act(
    `releasing ${name} will take ${us} µs`,
    (office) => office.world.sim.delayRelease(id, us),
    ({ model }) => model.pins.get(name)?.closing === false,
  ),
);
const ended = fc.boolean().map((hard) => act(`shutdown ${hard ? "hard" : ""}`, (office) => office.shutdown(hard)));

const everyday = [
  opened,
  opened,
  opened,
  ...Array.from({ length: 6 }, () => commanded),
  others,
  others,
  others,
  pinged,
  closed,
  left,
  passed,
  passed,
];

property(
  "whatever clients do and whenever they go, each line is held by whom the rules say, and requested and released once",
  scripts([...everyday, configured, configured, outside, stalled], 80),
  async (script) => {
    const office = new Office({}, { GPIO27: { maxOnMs: 40 }, BOARD15: { closeLevel: "keep" } });
    await office.world.settle();
    await play(script, office);
    await office.end();
  },
  300,
);

property(
  "when lines fail and releases take time, what is refused changes nothing, and nothing stays held",
  scripts([...everyday, configured, configured, failures, failures, losses, slow, slow], 80),
  async (script) => {
    const office = new Office({ maxOnMs: 30 }, { "holdfast-sim:17": { maxOnMs: 20 }, "*": { closeLevel: "off", maxOnMs: 50 } });
    await office.world.settle();
    await play(script, office);
    await office.end();
  },
  300,
);

property(
  "a shutdown at any point, soft or hard, gives every line back and leaves no request without its answer",
  scripts([...everyday, ended, slow], 60),
  async (script) => {
    const office = new Office();
    await office.world.settle();
    await play(script, office);
    await office.end();
  },
  300,
);
