import { isDeepStrictEqual } from "node:util";
import type { Line, LineListener } from "../gpio/backend.ts";
import type { Levels } from "../gpio/levels.ts";
import { idOf, type NamedPin } from "../gpio/named-pin.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Mode } from "../protocol/requests.ts";
import { withDetails } from "./error-details.ts";
import { Input } from "./input.ts";
import { Output } from "./output.ts";
import { type ConfiguredChannel, lineSettings, type PinSettings } from "./pin-settings.ts";
import { requestLine } from "./request-line.ts";
import type { Surroundings } from "./surroundings.ts";
import type { TenantHooks } from "./tenant.ts";

/** The requested handle of a line or of a group, how it is set, and who uses it now: an output or an input. */
export class OpenLine {
  readonly #pin: string;
  /** How many there are. */
  readonly #lines: number;
  readonly #surroundings: Surroundings;
  readonly #hooks: TenantHooks;
  readonly #line: Line;
  #settings: PinSettings;
  #tenant: Output | Input;
  /** Whether anybody watches the line. */
  #watched = false;
  /** The number of the last command that a former tenant took: a number means one command for as long as the pin is open. */
  #lastCommand = 0;

  /**
   * @param pwm the channel that the pin is, if it is one
   * @throws HoldfastError what `requestLine` and `Line.get` throw; the line is not held then
   */
  constructor(
    named: NamedPin,
    settings: PinSettings,
    pwm: ConfiguredChannel | undefined,
    mode: Mode,
    surroundings: Surroundings,
    hooks: TenantHooks,
  ) {
    this.#pin = named.pin;
    this.#lines = named.lines.length;
    this.#surroundings = surroundings;
    this.#hooks = hooks;
    this.#settings = settings;
    const listener: LineListener = {
      edge: (edge) => {
        if (this.#tenant instanceof Input) this.#tenant.edge(edge);
      },
      fail: hooks.failed,
    };
    this.#line = this.#naming(() => requestLine(surroundings.backend, idOf(named), settings, pwm, listener));
    try {
      this.#tenant = this.#newTenant(settings, mode);
    } catch (error) {
      this.#abandon(settings);
      throw error;
    }
  }

  get settings(): PinSettings {
    return this.#settings;
  }

  get tenant(): Output | Input {
    return this.#tenant;
  }

  /** Whether anybody watches the line: an output that nobody watches need not tell of its edges. */
  set watched(watched: boolean) {
    this.#watched = watched;
    if (this.#tenant instanceof Output) this.#tenant.watched = watched;
  }

  /** Whether edges of it are told: an output's are those that are driven. */
  get watchable(): boolean {
    return this.#tenant instanceof Output || this.#line.edgeless !== true;
  }

  /** The levels now. @throws HoldfastError `LINE_LOST`, `LINE_FAILED` */
  level(): Levels {
    return this.#naming(() => this.#line.get());
  }

  /**
   * Changes how the line is set. Nothing is released and requested again.
   * @param mode undefined: as it is, or the default one when the line turns into an output
   * @throws HoldfastError `PIN_CONFLICT`, and what `Line.reconfigure` throws
   */
  change(settings: PinSettings, mode: Mode | undefined): void {
    const tenant = this.#tenant;
    const turns = settings.direction !== this.#settings.direction;
    if (turns && tenant instanceof Output && tenant.busy) {
      throw new HoldfastError("PIN_CONFLICT", `${this.#pin} still runs commands: cancel them or let them end before it becomes an input`, {
        field: "direction",
        pin: this.#pin,
      });
    }
    const change = (level: Levels) => {
      this.#reconfigure(settings, level);
      if (turns) this.#turn(settings, level, mode);
      else this.#settings = settings;
    };
    if (tenant instanceof Output) tenant.undisturbed(change);
    else change(settings.initial);
    if (turns || !(tenant instanceof Output)) return;
    tenant.closeLevel = settings.closeLevel;
    tenant.frequencyHz = settings.frequencyHz;
    if (mode !== undefined) tenant.setMode(mode);
  }

  /** Takes what the configuration says anew; the line itself is left alone. */
  limit({ maxOnMs, closeLevel }: Pick<PinSettings, "maxOnMs" | "closeLevel">): void {
    this.#settings = { ...this.#settings, maxOnMs, closeLevel };
    if (!(this.#tenant instanceof Output) || this.#tenant.released) return;
    this.#tenant.closeLevel = closeLevel;
    this.#tenant.maxOnMs = maxOnMs;
  }

  /** Asks the kernel for other settings only if it has to do with what has changed. A driver may refuse even those that it has. */
  #reconfigure(settings: PinSettings, level: Levels): void {
    const [before, after] = [this.#settings, settings].map((each) => lineSettings(each, level));
    if (!isDeepStrictEqual(before, after)) this.#naming(() => this.#line.reconfigure(lineSettings(settings, level)));
  }

  /**
   * The line has another direction now, and gets another tenant.
   * @param level what it drove before, if it was an output
   */
  #turn(settings: PinSettings, level: Levels, mode: Mode = "wait"): void {
    let next: Output | Input;
    try {
      next = this.#newTenant(settings, mode);
    } catch (error) {
      this.#line.reconfigure(lineSettings(this.#settings, level));
      throw error;
    }
    if (this.#tenant instanceof Output) this.#lastCommand = this.#tenant.lastCommand;
    this.#tenant.retire();
    this.#tenant = next;
    this.#settings = settings;
    this.#hooks.changed("configure");
  }

  #newTenant({ initial, closeLevel, frequencyHz, maxOnMs, direction }: PinSettings, mode: Mode): Output | Input {
    if (direction === "in") return this.#naming(() => new Input(this.#line, this.#lines, this.#hooks));
    const settings = {
      pin: this.#pin,
      lines: this.#lines,
      initial,
      mode,
      closeLevel,
      frequencyHz,
      maxOnMs,
      lastCommand: this.#lastCommand,
    };
    const output = new Output(this.#line, settings, this.#surroundings, this.#hooks);
    output.watched = this.#watched;
    return output;
  }

  /** Gives the line back that could not be used. What it was opened with is not left standing. */
  #abandon({ direction }: PinSettings): void {
    try {
      if (direction === "out") this.#line.set(0);
    } catch {
      // That the line can't be used is what the caller hears.
    }
    this.#line.release(() => {});
  }

  /** Asks something of the line. What it refuses is about the field that names it. */
  #naming<T>(ask: () => T): T {
    return withDetails({ field: "pin", pin: this.#pin }, ask);
  }
}
