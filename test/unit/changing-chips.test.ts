import { expect, test } from "bun:test";
import { World } from "../../src/index-testing.ts";

const path = "/dev/gpiochip3";

/** A world whose one chip, read already, gives way to another one at the same path. */
function replaced() {
  const world = new World({ chips: [{ path, label: "ft232", lines: ["VALVE", null] }] });
  const client = world.join("client");
  expect(client.ask({ op: "pins" }).body.pins.map(({ pin }) => pin)).toEqual(["VALVE", "ft232:1"]);
  world.sim.removeChip(path);
  world.sim.addChip({ path, label: "other-chip", lines: ["HEATER", null] });
  return { world, client };
}

test("a name of a chip that has gone never leads to the chip that came in its place", () => {
  const { world, client } = replaced();
  for (const pin of ["ft232:0", "VALVE"]) {
    const requests = [
      client.ask({ op: "open", pin, direction: "out" }),
      client.ask({ op: "read", pin }),
      client.ask({ op: "observe", pin }),
      client.ask({ op: "sim.set", pin, level: 1 }),
    ];
    expect(requests.map(({ outcome }) => outcome)).toEqual(requests.map(() => "PIN_UNKNOWN"));
  }
  expect(world.sim.uses({ chip: path, offset: 0 })).toEqual({ requests: 0, releases: 0 });
});

test("the lines of a chip that came later are opened by their names", () => {
  const { client } = replaced();
  expect(client.ask({ op: "open", pin: "other-chip:0", direction: "out" }).body.pin).toBe("HEATER");
  expect(client.ask({ op: "on", pin: "HEATER" }).outcome).toBe("ok");
});

test("a name that has come to mean another line means that one when it is opened next", () => {
  const { world, client } = replaced();
  world.sim.addChip({ path: "/dev/gpiochip4", label: "ft232", lines: [null, "VALVE"] });
  expect(client.ask({ op: "open", pin: "VALVE", direction: "out", initial: 1 }).body.pin).toBe("VALVE");
  expect([3, 4].map((chip) => world.sim.level({ chip: `/dev/gpiochip${chip}`, offset: chip - 3 }))).toEqual([0, 1]);
});

test("the lines of chips with equal labels are opened by the names that the refusal gives", () => {
  const chips = [1, 2].map((number) => ({ path: `sim:${number}`, label: "twin", lines: [null, null] }));
  const world = new World({ chips });
  const client = world.join("client");
  const { error } = client.ask({ op: "open", pin: "twin:1", direction: "out" });
  expect([error?.code, error?.details["candidates"]]).toEqual(["PIN_AMBIGUOUS", ["sim:1:1", "sim:2:1"]]);
  expect(client.ask({ op: "open", pin: "sim:2:1", direction: "out", initial: 1 }).body.pin).toBe("sim:2:1");
  expect([1, 2].map((number) => world.sim.level({ chip: `sim:${number}`, offset: 1 }))).toEqual([0, 1]);
});

test("lines of two chips that a name led to before are no reason to refuse the group that it means now", () => {
  const world = new World({ chips: [{ path, label: "ft232", lines: ["LEFT"] }, { path: "sim:1", label: "other", lines: ["RIGHT"] }] }); // biome-ignore format: chips
  const client = world.join("client");
  expect(client.ask({ op: "read", pin: "LEFT+RIGHT" }).outcome).toBe("BAD_FIELD");
  world.sim.removeChip(path);
  world.sim.removeChip("sim:1");
  world.sim.addChip({ path, label: "both", lines: ["LEFT", "RIGHT"] });
  expect(client.ask({ op: "open", pin: "LEFT+RIGHT", direction: "out" }).body.pin).toBe("LEFT+RIGHT");
});

test("the refusal of a wire says which of the two names is wrong", () => {
  const client = new World().join("client");
  expect(client.ask({ op: "sim.wire", pin: "GPIO17", to: "GPIO99" }).error?.details.field).toBe("to");
  expect(client.ask({ op: "sim.wire", pin: "GPIO99", to: "GPIO17" }).error?.details.field).toBe("pin");
});
