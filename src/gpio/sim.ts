import assert from "node:assert/strict";
import { type Clock, timestampNs } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Level } from "../protocol/requests.ts";
import {
  type ChipInfo,
  type GpioBackend,
  type Line,
  type LineGroupId,
  type LineId,
  type LineListener,
  type LineSettings,
  offsetsOf,
  type Simulation,
} from "./backend.ts";
import { SIM_REVISION } from "./board-revision.ts";
import { SimGroup } from "./sim/group.ts";
import { type Failing, failIfAsked, lineLost, SimLine, type Surroundings, type Terminal } from "./sim/line.ts";
import { join, Pad, settle } from "./sim/net.ts";
import { Notices } from "./sim/notices.ts";
import { Ring } from "./sim/ring.ts";

export type { Failing } from "./sim/line.ts";

/** How many changes of level are kept for each line. */
export const MAX_TRACE = 10_000;

/** How many contentions are kept, of all lines together. */
const MAX_CONTENTIONS = 1000;

/** A chip to simulate: its lines' names in the order of their offsets, null for a line without one. */
export interface SimChip {
  readonly path: string;
  readonly label: string;
  readonly lines: readonly (string | null)[];
}

/** The 40-pin header's lines, named as a Raspberry Pi 5 under Raspberry Pi OS names them. */
export const simHeader: SimChip = {
  path: "sim:0",
  label: "holdfast-sim",
  lines: ["ID_SDA", "ID_SCL", ...Array.from({ length: 26 }, (_, index) => `GPIO${index + 2}`)],
};

/** A change of the physical level at a line. */
export interface TraceEntry {
  readonly level: Level;
  /** On the backend's clock, ns. */
  readonly timestampNs: bigint;
}

/** Drivers of one wire disagreed, from this moment on. */
export interface Contention {
  /** On the backend's clock, ns. */
  readonly timestampNs: bigint;
  /** All lines on the wire. */
  readonly lines: readonly LineId[];
}

/** A line with its place and its history. */
interface Place extends Terminal {
  readonly name: string | null;
  readonly trace: Ring<{ readonly level: Level; readonly atUs: number }>;
  readonly followers: ((level: Level, timestampNs: bigint) => void)[];
}

/** A chip with its lines, in the order of their offsets. */
interface Chip {
  readonly path: string;
  readonly label: string;
  readonly places: readonly Place[];
}

/**
 * Simulated GPIO chips that behave like hardware: wires join lines, drivers beat pulls, an open wire keeps its level.
 * The outside world is in the caller's hands, and so is what fails. Released lines drive and pull nothing.
 * Levels are physical in all methods that are not GpioBackend's. They throw `LINE_LOST` for a chip and `LINE_FAILED` for
 * an offset that does not exist.
 */
export class SimBackend implements GpioBackend, Simulation {
  readonly name = "sim";
  readonly revision = SIM_REVISION;
  readonly simulation: Simulation = this;
  readonly #clock: Clock;
  readonly #notices: Notices;
  readonly #around: Surroundings;
  readonly #chips: Chip[];
  readonly #removed = new Set<string>();
  readonly #places = new Map<Pad, Place>();
  readonly #contentions = new Ring<Contention>(MAX_CONTENTIONS);

  constructor({ clock, chips = [simHeader] }: { readonly clock: Clock; readonly chips?: readonly SimChip[] }) {
    this.#clock = clock;
    this.#notices = new Notices(clock);
    this.#around = { clock, notices: this.#notices, contention: (pad) => this.#contention(pad) };
    this.#chips = chips.map((chip) => this.#build(chip));
    assert.equal(new Set(chips.map(({ path }) => path)).size, chips.length, "two simulated chips have the same path");
  }

  chips(): readonly ChipInfo[] {
    return this.#chips
      .filter(({ path }) => !this.#removed.has(path))
      .map(({ path, label, places }) => ({
        path,
        label,
        lines: places.map(({ id, name, holder }) => ({
          offset: id.offset,
          name,
          used: holder !== null,
          consumer: holder?.consumer ?? null,
        })),
      }));
  }

  request(id: LineId | LineGroupId, settings: LineSettings, consumer: string, listener: LineListener): Line {
    const places = offsetsOf(id).map((offset) => this.#present({ chip: id.chip, offset }));
    for (const place of places) failIfAsked(place, "request");
    for (const place of places) this.#assureFree(place);
    const [only] = places;
    if (places.length > 1 || only === undefined) return new SimGroup(places, this.#around, settings, consumer, listener);
    return new SimLine(only, this.#around, settings, consumer, listener);
  }

  close(): void {
    const held = [...this.#places.values()].find(({ holder }) => holder !== null && holder.line !== null);
    assert(held === undefined, `the backend is closed while ${held?.place} is requested`);
    this.#notices.close();
  }

  /** The outside world drives the wire at this line to a physical level; null lets go of it. */
  drive(id: LineId, level: Level | null): void {
    const { pad } = this.#present(id);
    this.#notices.change(null, () => {
      pad.outside = level;
      if (settle(pad.net)) this.#contention(pad);
    });
  }

  /** Joins the wires of two lines, for good. */
  wire(a: LineId, b: LineId): void {
    const [from, to] = [this.#present(a).pad, this.#present(b).pad];
    this.#notices.change(null, () => {
      if (join(from, to)) this.#contention(from);
    });
  }

  /** The physical level of the wire at this line. */
  level(id: LineId): Level {
    return this.#find(id).pad.net.level;
  }

  /** The changes of the physical level at this line, oldest first; of more than `MAX_TRACE` the latest. */
  trace(id: LineId): readonly TraceEntry[] {
    return this.#find(id)
      .trace.latest()
      .map(({ level, atUs }) => ({ level, timestampNs: BigInt(Math.round(atUs * 1000)) }));
  }

  /** Tells of each later change of the physical level at this line, with its time, when all wires have settled. What is told may drive them. */
  follow(id: LineId, tell: (level: Level, timestampNs: bigint) => void): void {
    this.#find(id).followers.push(tell);
  }

  /** How often the line has been requested, reads of an unopened line (`as-is`) included, and how often released again. */
  uses(id: LineId): { readonly requests: number; readonly releases: number } {
    const { requests, releases } = this.#find(id);
    return { requests, releases };
  }

  /** How often drivers of one wire began to disagree, and when and where; of more than `MAX_CONTENTIONS` the latest. */
  contentions(): { readonly count: number; readonly latest: readonly Contention[] } {
    return { count: this.#contentions.count, latest: this.#contentions.latest() };
  }

  /** Makes the line's next call of this kind throw `error`, or its next edge end the edges with `fail(error)`. */
  failNext(id: LineId, failing: Failing, error: HoldfastError): void {
    this.#find(id).failures.set(failing, error);
  }

  /** Loses the line's next `count` edges, as a full kernel buffer does; the edge after them tells how many. */
  loseEdges(id: LineId, count: number): void {
    this.#find(id).edgesToLose += count;
  }

  /** Makes the line's next release take `us` µs. Until then it keeps its levels and nobody else may have it. */
  delayRelease(id: LineId, us: number): void {
    this.#find(id).releaseDelayUs = us;
  }

  /** Another program requests the line. @throws HoldfastError `LINE_BUSY` */
  occupy(id: LineId, consumer: string): void {
    const place = this.#present(id);
    this.#assureFree(place);
    place.holder = { consumer, line: null };
  }

  /** The other program gives the line back. */
  vacate(id: LineId): void {
    const place = this.#find(id);
    assert(place.holder !== null && place.holder.line === null, `no other program has ${place.place}`);
    place.holder = null;
  }

  /** Takes a chip away, as unplugging does: its lines stop driving, and their holders are told `LINE_LOST`. */
  removeChip(path: string): void {
    const chip = this.#chips.find((candidate) => candidate.path === path);
    assert(chip !== undefined && !this.#removed.has(path), `there is no simulated chip ${path}`);
    this.#removed.add(path);
    this.#notices.change(null, () => {
      for (const place of chip.places) {
        place.gone = true;
        place.holder?.line?.fail(lineLost(place));
        place.pad.output = place.pad.pull = place.pad.outside = null;
      }
      for (const { pad } of chip.places) {
        if (settle(pad.net)) this.#contention(pad);
      }
    });
  }

  /** Brings a chip, as plugging in does. It may take the place of one that was removed: same path, other lines. */
  addChip(chip: SimChip): void {
    const index = this.#chips.findIndex(({ path }) => path === chip.path);
    const replaces = this.#removed.delete(chip.path);
    assert(index < 0 || replaces, `there is a simulated chip ${chip.path} already`);
    if (replaces) this.#chips.splice(index, 1);
    this.#chips.push(this.#build(chip));
  }

  #build({ path, label, lines }: SimChip): Chip {
    return { path, label, places: lines.map((name, offset) => this.#place({ chip: path, offset }, name, label)) };
  }

  #place(id: LineId, name: string | null, label: string): Place {
    const pad = new Pad((level) => {
      place.trace.push({ level, atUs: this.#clock.nowUs() });
      place.holder?.line?.see(level);
      for (const tell of place.followers) {
        const atNs = timestampNs(this.#clock);
        this.#notices.post(tell, () => tell(level, atNs));
      }
    });
    const place: Place = {
      id,
      name,
      place: `${label}:${id.offset}`,
      pad,
      trace: new Ring(MAX_TRACE),
      followers: [],
      holder: null,
      gone: false,
      failures: new Map(),
      edgesToLose: 0,
      releaseDelayUs: 0,
      requests: 0,
      releases: 0,
    };
    this.#places.set(pad, place);
    return place;
  }

  #find({ chip, offset }: LineId): Place {
    const found = this.#chips.find(({ path }) => path === chip);
    if (found === undefined) throw new HoldfastError("LINE_LOST", `there is no chip ${chip}`, { chip, offset });
    const place = found.places[offset];
    if (place === undefined) throw new HoldfastError("LINE_FAILED", `${chip} has no line ${offset}`, { chip, offset });
    return place;
  }

  #present(id: LineId): Place {
    const place = this.#find(id);
    if (place.gone) throw lineLost(place);
    return place;
  }

  #assureFree({ id, holder, place }: Place): void {
    if (holder === null) return;
    throw new HoldfastError("LINE_BUSY", `${place} is held by "${holder.consumer}"`, { ...id, consumer: holder.consumer });
  }

  #contention(pad: Pad): void {
    const lines = pad.net.pads.flatMap((member) => this.#places.get(member)?.id ?? []);
    this.#contentions.push({ timestampNs: timestampNs(this.#clock), lines });
  }
}
