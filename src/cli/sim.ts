import { type Command, InvalidArgumentError } from "commander";
import type { Level } from "../protocol/requests.ts";
import { examples, PIN } from "./arguments.ts";
import { withClient } from "./session.ts";

/** `holdfast sim set` and `holdfast sim wire`. */
export function addSim(program: Command): void {
  const sim = program
    .command("sim")
    .summary("Act on simulated pins from outside")
    .description("Act on simulated pins from outside, as a button, a wire or another board does. Needs a supervisor with simulated chips.");
  addSet(sim);
  addWire(sim);
  examples(sim, {
    "holdfast sim set 4 1": "a button drives GPIO4 high",
    "holdfast sim wire 17 27": "a wire from GPIO17 to GPIO27",
  });
}

function addSet(sim: Command): void {
  const set = sim
    .command("set")
    .summary("Drive a simulated line from outside")
    .description("Drive the wire of a simulated line to a level, or let go of it. The level is that of the wire, active-low or not.")
    .argument("<pin>", PIN)
    .argument("<level>", "1, 0 or free", outsideLevel)
    .action((pin: string, level: Level | "free", _: object, command: Command) =>
      withClient(command, (client) => client.simSet(pin, level === "free" ? null : level)),
    );
  examples(set, {
    "holdfast sim set 4 1": "the button is pressed",
    "holdfast sim set 4 free": "nothing drives the wire; the pull resistor decides",
  });
}

function addWire(sim: Command): void {
  const wire = sim
    .command("wire")
    .summary("Join two simulated lines")
    .description("Join the wires of two simulated lines, for as long as the supervisor lives.")
    .argument("<pin>", PIN)
    .argument("<to>", "the other one")
    .action((pin: string, to: string, _: object, command: Command) => withClient(command, (client) => client.simWire(pin, to)));
  examples(wire, { "holdfast sim wire 17 27": "what GPIO17 drives is seen at GPIO27" });
}

function outsideLevel(text: string): Level | "free" {
  if (text === "free") return text;
  if (text !== "0" && text !== "1") throw new InvalidArgumentError("A wire is driven to 0 or 1, or left free.");
  return text === "0" ? 0 : 1;
}
