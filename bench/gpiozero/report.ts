import { row, whole } from "../report.ts";
import type { GpiozeroFigures, Toggles } from "./figures.ts";

/** The figures as a person reads them. */
export function reportGpiozero(figures: GpiozeroFigures | null): string {
  if (figures === null)
    return "gpiozero: Python has no gpiozero here, or no cbor2: apt install python3-gpiozero python3-cbor2 python3-pigpio";
  const { mock, holdfast, pigpio, serverCpuUs } = figures;
  const side = (name: string, { p50Us, p99Us, cpuUs }: Toggles) => row(name.padEnd(36), whole(p50Us), whole(p99Us), whole(cpuUs));
  return [
    "gpiozero: a LED toggled, each time when it has been toggled before",
    row("".padEnd(36), "p50 µs", "p99 µs", "CPU µs"),
    side("mock, no pins behind it", mock),
    side("holdfast, Unix socket", holdfast),
    pigpio === null ? "There is no pigpio for Python." : side("pigpio, by holdfast's listener", pigpio),
    `CPU µs: of the program, for one toggle; the supervisor's, by our own factory: ${whole(serverCpuUs)}. A toggle is a look and a command.`,
  ].join("\n");
}
