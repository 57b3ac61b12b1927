import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SimulatedClock } from "../../src/clock/simulated.ts";
import type { ChipInfo } from "../../src/gpio/backend.ts";
import { boardPinOf, headerPins } from "../../src/gpio/boards.ts";
import { PinNames } from "../../src/gpio/pin-names.ts";
import { SimBackend } from "../../src/gpio/sim.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { refusal } from "../refusal.ts";

function chip(path: string, label: string, names: readonly (string | null)[]): ChipInfo {
  return { path, label, lines: names.map((name, offset) => ({ offset, name, used: false, consumer: null })) };
}

const simulated = () => new PinNames(new SimBackend({ clock: new SimulatedClock() }).chips());

const unresolved = (names: PinNames, name: string) => refusal(() => names.resolve(name));

describe("on a Raspberry Pi's header", () => {
  test("every way to name a pin leads to the same line", () => {
    const names = simulated();
    const pin = names.resolve("GPIO17");
    expect(pin).toEqual({
      id: { chip: "sim:0", offset: 17 },
      pin: "GPIO17",
      line: "holdfast-sim:17",
      names: ["GPIO17", "holdfast-sim:17", "17", "BOARD11"],
    });
    for (const name of ["17", "BOARD11", "holdfast-sim:17", "gpio17", "Gpio17", "board11"]) expect(names.resolve(name)).toBe(pin);
  });

  test("GPIO0 is the canonical name of the line that the device tree calls ID_SDA", () => {
    const names = simulated();
    expect(names.resolve("ID_SDA").pin).toBe("GPIO0");
    expect(names.resolve("BOARD27")).toBe(names.resolve("ID_SDA"));
  });

  test("a mainline kernel calls GPIO2 SDA1, and both work", () => {
    const names = new PinNames([chip("/dev/gpiochip0", "pinctrl-bcm2835", ["ID_SDA", "ID_SCL", "SDA1", "SCL1", "GPIO_GCLK"])]);
    expect(names.resolve("SDA1")).toBe(names.resolve("GPIO2"));
    expect(names.resolve("SDA1").pin).toBe("GPIO2");
    expect(unresolved(names, "sda1").code).toBe("PIN_UNKNOWN");
  });

  test("the table holds each of the 28 GPIO numbers once, and the places that people know by heart", () => {
    expect([...boardPinOf.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 28 }, (_, n) => n));
    expect([3, 7, 8, 11, 12, 19, 27, 28, 32, 36, 40].map((pin) => headerPins.get(pin))).toEqual([2, 4, 14, 17, 18, 10, 0, 1, 12, 16, 21]);
    expect([6, 9, 14, 20, 25, 30, 34, 39].every((pin) => headerPins.get(pin) === "ground")).toBe(true);
    expect([1, 2, 4, 17].map((pin) => headerPins.get(pin))).toEqual(["3V3 power", "5V power", "5V power", "3V3 power"]);
    expect(headerPins.size).toBe(40);
  });

  test("a supply pin is refused by what it is", () => {
    const names = simulated();
    expect(unresolved(names, "BOARD1")).toMatchObject({
      code: "PIN_UNKNOWN",
      message: "BOARD1 is a 3V3 power pin, not a line",
      details: { field: "pin" },
    });
    expect(unresolved(names, "board4").message).toBe("board4 is a 5V power pin, not a line");
    expect(unresolved(names, "BOARD39").message).toBe("BOARD39 is a ground pin, not a line");
    expect(unresolved(names, "BOARD41").message).toBe("there is no BOARD41: the header has the pins BOARD1 to BOARD40");
  });

  test("lines beyond the header go by their own names", () => {
    const lines = Array.from({ length: 54 }, (_, n) => (n < 28 ? `GPIO${n}` : n === 40 ? "ETH_LED" : "-"));
    const names = new PinNames([chip("/dev/gpiochip0", "pinctrl-rp1", lines)]);
    expect(names.resolve("ETH_LED").pin).toBe("ETH_LED");
    expect(names.resolve("pinctrl-rp1:41").pin).toBe("pinctrl-rp1:41");
    expect(unresolved(names, "41").code).toBe("PIN_UNKNOWN");
    expect(unresolved(names, "-").code).toBe("PIN_AMBIGUOUS");
  });
});

describe("elsewhere", () => {
  test("a number is a name only where a line has it", () => {
    const names = new PinNames([chip("/dev/gpiochip0", "soc-gpio", ["GPIO0", "7", null])]);
    expect(names.resolve("GPIO0").id.offset).toBe(0);
    expect(names.resolve("7").id.offset).toBe(1);
    expect(names.resolve("soc-gpio:2").pin).toBe("soc-gpio:2");
    expect(unresolved(names, "0").code).toBe("PIN_UNKNOWN");
    expect(unresolved(names, "BOARD11").message).toContain("no chip here is known to carry one");
  });

  test("a name that fits two lines is refused with both", () => {
    const names = new PinNames([
      chip("/dev/gpiochip0", "pinctrl-rp1", ["ID_SDA", "RESET"]),
      chip("/dev/gpiochip1", "expander", ["gpio0", "RESET"]),
    ]);
    expect(unresolved(names, "RESET")).toMatchObject({
      code: "PIN_AMBIGUOUS",
      details: { field: "pin", candidates: ["pinctrl-rp1:1", "expander:1"] },
    });
    expect(unresolved(names, "GPIO0").details.candidates).toEqual(["pinctrl-rp1:0", "expander:0"]);
    expect(names.all().map(({ pin }) => pin)).toEqual(["ID_SDA", "GPIO1", "expander:0", "expander:1"]);
  });

  test("two chips with one label: the candidates say which is which", () => {
    const names = new PinNames([chip("/dev/gpiochip1", "usb-gpio", ["A", null]), chip("/dev/gpiochip2", "usb-gpio", ["B", null])]);
    expect(names.resolve("A").pin).toBe("A");
    expect(unresolved(names, "usb-gpio:1").details.candidates).toEqual(["/dev/gpiochip1:1", "/dev/gpiochip2:1"]);
    expect(names.all()[1]).toMatchObject({ pin: "/dev/gpiochip1:1", names: ["/dev/gpiochip1:1"] });
    expect(names.resolve("/dev/gpiochip2:1")).toBe(names.all()[3] as never);
  });

  test("a slip of the finger gets a hint", () => {
    const names = new PinNames([chip("/dev/gpiochip0", "soc-gpio", ["PUMP", "VALVE", "LAMP"])]);
    expect(unresolved(names, "VALV")).toMatchObject({
      message: 'no line is called "VALV"; did you mean VALVE?',
      details: { field: "pin", nearest: ["VALVE"] },
    });
    expect(unresolved(names, "conveyor").message).toBe('no line is called "conveyor"');
  });
});

describe("on any machine", () => {
  const label = fc.constantFrom("pinctrl-rp1", "pinctrl-bcm2711", "soc-gpio", "expander");
  const name = fc.option(
    fc.constantFrom("", "-", "GPIO1", "gpio2", "3", "BOARD7", "SDA1", "RESET", "LED", "expander:2", "/dev/gpiochip1:2"),
  );
  const machine = fc
    .array(fc.tuple(label, fc.array(name, { maxLength: 30 })), { maxLength: 4 })
    .map((chips) => chips.map(([label, names], index) => chip(`/dev/gpiochip${index}`, label, names)));

  test("every name of every line resolves to it, the canonical one comes first, and no two lines share one", () => {
    fc.assert(
      fc.property(machine, (chips) => {
        const names = new PinNames(chips);
        expect(names.all().map(({ id }) => id)).toEqual(
          chips.flatMap(({ path, lines }) => lines.map(({ offset }) => ({ chip: path, offset }))),
        );
        for (const line of names.all()) {
          for (const name of line.names) expect(names.resolve(name)).toBe(line);
          expect(line.names[0]).toBe(line.pin);
          expect(names.resolve(`${line.id.chip}:${line.id.offset}`)).toBe(line);
        }
        expect(new Set(names.all().map(({ pin }) => pin)).size).toBe(names.all().length);
      }),
    );
  });

  test("what a line is called either leads to that line or is refused as ambiguous, with that line among the candidates", () => {
    fc.assert(
      fc.property(machine, (chips) => {
        const names = new PinNames(chips);
        for (const { path, label, lines } of chips) {
          for (const { offset, name } of lines) {
            // A name that looks like the place of a line means that place.
            for (const called of [`${label}:${offset}`, ...(name && !name.startsWith("/dev/") ? [name] : [])]) {
              let found: readonly string[];
              try {
                const { id } = names.resolve(called);
                found = [`${id.chip}:${id.offset}`];
              } catch (error) {
                if (!(error instanceof HoldfastError)) throw error;
                expect(error.code).toBe("PIN_AMBIGUOUS");
                found = error.details.candidates as readonly string[];
                expect(new Set(found).size).toBe(found.length);
                expect(found.length).toBeGreaterThan(1);
                expect(new Set(found.map((candidate) => names.resolve(candidate))).size).toBe(found.length);
              }
              expect(found.includes(`${path}:${offset}`) || found.includes(`${label}:${offset}`)).toBe(true);
            }
          }
        }
      }),
    );
  });
});
