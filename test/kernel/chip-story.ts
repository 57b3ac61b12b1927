import { type Stage, story } from "../integration/processes.ts";
import { type ChipOptions, SimulatedChip } from "./simulated-chip.ts";

/** A test on a chip of its own, which is there before the supervisors of the test and goes after them. */
export function chipStory(name: string, tell: (chip: SimulatedChip, stage: Stage) => Promise<void>, options: ChipOptions = {}): void {
  story(name, (stage) => tell(stage.resources.use(new SimulatedChip(options)), stage), "chardev");
}
