import { RefusalLog } from "../../access/refusal-log.ts";
import type { Clock } from "../../clock/clock.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Level } from "../../protocol/requests.ts";
import { type CommandName, commandNames } from "./command-numbers.ts";
import type { Command } from "./command-reader.ts";
import { Gpio } from "./gpio.ts";
import { type Handle, Notifications, type Program, withBit } from "./notifications.ts";
import { Refusal, type RefusalName } from "./refusal.ts";
import { tickOf } from "./report.ts";
import { readAnyLevel, type Surroundings, status } from "./seat.ts";

/** The version of pigpio whose commands these are. */
const PIGPIO_VERSION = 79;

/** The revision code of a Raspberry Pi 4, which has the header of 40 pins. */
const USUAL_REVISION = 0xc03114;

/** The bits of a revision code that pigpio passes on: not those that say how the board has been treated. */
const REVISION_MASK = 0xff_ffff;

/** See pigpio.h: PI_MAX_GPIO, PI_MAX_USER_GPIO. */
const MAX_GPIO = 53;
const MAX_USER_GPIO = 31;

/** See pigpio.h: PI_MAX_MICS_DELAY, PI_MAX_MILS_DELAY. */
const MAX_MICS = 1_000_000;
const MAX_MILS = 60_000;

/** What a command has for a level that has not come. */
const NO_LEVEL = 2;

type Answer = number | Promise<number>;
type Handler = (daemon: Daemon, program: Program, command: Command) => Answer | void | Promise<void>;

/** What each command does. Its result is 0 unless it says another. */
const handlers: { readonly [Name in CommandName]: Handler } = {
  MODES: (daemon, program, { p1, p2 }) => daemon.gpio(p1).setMode(program, p2),
  MODEG: (daemon, _, { p1 }) => daemon.gpio(p1).mode(),
  PUD: (daemon, program, { p1, p2 }) => daemon.gpio(p1).setPull(program, p2),
  READ: (daemon, program, { p1 }) => daemon.read(program, p1),
  WRITE: (daemon, program, { p1, p2 }) => daemon.gpio(p1).write(program, p2),
  PWM: (daemon, program, { p1, p2 }) => daemon.userGpio(p1).setDuty(program, p2),
  GDC: (daemon, _, { p1 }) => daemon.userGpio(p1).duty(),
  PRS: (daemon, program, { p1, p2 }) => daemon.userGpio(p1).setRange(program, p2),
  PRG: (daemon, _, { p1 }) => daemon.userGpio(p1).range,
  PRRG: (daemon, _, { p1 }) => daemon.userGpio(p1).realRange,
  PFS: (daemon, program, { p1, p2 }) => daemon.userGpio(p1).setFrequency(program, p2),
  PFG: (daemon, _, { p1 }) => daemon.userGpio(p1).frequencyHz,
  SERVO: (daemon, program, { p1, p2 }) => daemon.userGpio(p1).setServo(program, p2),
  GPW: (daemon, _, { p1 }) => daemon.userGpio(p1).servo(),
  TRIG: (daemon, program, { p1, p2, extension }) => daemon.userGpio(p1).trigger(program, p2, extension ?? NO_LEVEL),
  WDOG: (daemon, _, { p1, p2 }) => daemon.userGpio(p1).setWatchdog(p2),
  FG: (daemon, program, { p1, p2 }) => daemon.userGpio(p1).setFilter(program, p2),
  BR1: (daemon) => daemon.readBank(),
  BR2: () => 0,
  BC1: (daemon, program, { p1 }) => daemon.writeBank(program, p1, 0, 0),
  BS1: (daemon, program, { p1 }) => daemon.writeBank(program, p1, 0, 1),
  BC2: (daemon, program, { p1 }) => daemon.writeBank(program, p1, 32, 0),
  BS2: (daemon, program, { p1 }) => daemon.writeBank(program, p1, 32, 1),
  NOIB: (daemon, program) => daemon.openHandle(program),
  NB: (daemon, _, { p1, p2 }) => daemon.notify(p1, p2),
  NP: (daemon, _, { p1 }) => daemon.notify(p1, 0),
  NC: (daemon, _, { p1 }) => daemon.closeHandle(p1),
  MICS: (daemon, program, { p1 }) => daemon.pause(program, p1, MAX_MICS, "BAD_MICS_DELAY"),
  MILS: (daemon, program, { p1 }) => daemon.pause(program, p1 * 1000, MAX_MILS * 1000, "BAD_MILS_DELAY"),
  TICK: (daemon) => daemon.tick,
  HWVER: (daemon) => daemon.revision,
  PIGPV: () => PIGPIO_VERSION,
};

/** What pigpio programs take for pigpiod: one for all of them, for it is the daemon that has the modes, ranges and handles, not its clients. */
export class Daemon {
  readonly #around: Surroundings;
  readonly #clock: Clock;
  readonly #notifications: Notifications;
  readonly #gpios = new Map<number, Gpio>();
  /** What programs were refused: those that a code says little to, and those that can't be told. */
  readonly refusals: RefusalLog;
  /** What each program's refusals were that the log has told of. */
  readonly #told = new WeakMap<Program, Set<string>>();
  /** What ends the pause of each program that makes one: it gives no other command meanwhile. */
  readonly #pauses = new Map<Program, () => void>();
  /** The GPIOs that are watched, or about to be. */
  #watched = 0;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#clock = around.clock;
    this.#notifications = new Notifications(around.clock);
    this.refusals = new RefusalLog(around.log, () => around.clock.nowUs() / 1000);
  }

  /** The revision code of the board, by which programs know its header. A machine that is no Raspberry Pi is taken for a usual one. */
  get revision(): number {
    return ((status(this.#around).boardRevision ?? USUAL_REVISION) & REVISION_MASK) >>> 0;
  }

  get tick(): number {
    return tickOf(this.#clock.nowUs());
  }

  /** Does what a program says. @returns the result: a number, or a code of pigpio's when it is refused */
  async obey(program: Program, command: Command): Promise<number> {
    const name = commandNames.get(command.number);
    if (name === undefined) return new Refusal("UNKNOWN_COMMAND").code;
    try {
      return (await handlers[name](this, program, command)) ?? 0;
    } catch (error) {
      if (!(error instanceof Refusal)) this.#tellWhy(program, command.p1, error);
      return Refusal.from(error).code;
    }
  }

  /** @throws Refusal `BAD_GPIO` */
  gpio(number: number): Gpio {
    if (number > MAX_GPIO) throw new Refusal("BAD_GPIO");
    const known = this.#gpios.get(number);
    if (known !== undefined) return known;
    const gpio = new Gpio(number, this.#around, {
      edge: (gpio, level, timestampNs) => this.#notifications.edge(gpio, level, timestampNs),
      silent: (gpio) => this.#notifications.silent(gpio),
    });
    this.#gpios.set(number, gpio);
    return gpio;
  }

  /** One of those that can be modulated and watched. @throws Refusal `BAD_USER_GPIO` */
  userGpio(number: number): Gpio {
    if (number > MAX_USER_GPIO) throw new Refusal("BAD_USER_GPIO");
    return this.gpio(number);
  }

  async read(program: Program, number: number): Promise<number> {
    const level = await this.gpio(number).read(program);
    if (number <= MAX_USER_GPIO && (this.#watched & (1 << number)) === 0) this.#notifications.know(number, level);
    return level;
  }

  /** Lets time pass before a program's next command. It ends with the program. @throws Refusal */
  pause(program: Program, us: number, limitUs: number, tooLong: RefusalName): Promise<void> {
    if (us > limitUs) throw new Refusal(tooLong);
    return new Promise((resume) => {
      const alarm = this.#clock.at(this.#clock.nowUs() + us, () => this.#resume(program));
      this.#pauses.set(program, () => {
        alarm.cancel();
        resume();
      });
    });
  }

  /**
   * The levels of the lines that are open, and the last known ones of the others: to read a closed line might take it away from what the kernel
   * uses it for. What is watched is known from its edges, and some may be on their way.
   */
  readBank(): number {
    let levels = this.#notifications.levels;
    for (const { pin, members, settings } of status(this.#around).pins) {
      for (const line of members ?? [pin]) {
        const gpio = Number(/^GPIO(\d+)$/.exec(line)?.[1] ?? Number.NaN);
        const level = gpio <= MAX_USER_GPIO ? this.#levelOf(line, settings?.activeLow ?? false) : null;
        if (level === null) continue;
        levels = withBit(levels, gpio, level);
        if ((this.#watched & (1 << gpio)) === 0) this.#notifications.know(gpio, level);
      }
    }
    return levels;
  }

  /**
   * Sets all lines whose bits are set to a level, one after the other.
   * @throws Refusal `SOME_PERMITTED`: of one or more it was refused, the others have been set
   */
  async writeBank(program: Program, bits: number, first: number, level: Level): Promise<void> {
    const gpios = bitsOf(bits).map((bit) => first + bit);
    await this.#each(program, gpios, (gpio) => this.gpio(gpio).writeInBank(program, level));
  }

  openHandle(program: Program): number {
    const number = this.#notifications.open(program);
    this.#unwatchUnwanted();
    return number;
  }

  /**
   * Says which GPIOs a handle tells of. Those that nobody has open are opened, as inputs.
   * @throws Refusal `BAD_HANDLE`; `SOME_PERMITTED`: of one or more it was refused, it tells of the others
   */
  async notify(number: number, bits: number): Promise<void> {
    const handle = this.#notifications.handle(number);
    const added = bits & ~handle.bits;
    const unwatched = added & ~this.#watched;
    handle.bits = bits;
    this.#watched |= added;
    this.#unwatchUnwanted();
    if (added === 0) return;
    try {
      await this.#each(handle.program, bitsOf(added), async (gpio) => {
        const level = await this.#watch(handle, gpio);
        // Of one that is watched already, edges may be on their way that others are to be told of.
        if (level !== null && (unwatched & (1 << gpio)) !== 0) this.#notifications.know(gpio, level);
      });
    } finally {
      this.#unwatchUnwanted();
      this.#notifications.tell(handle);
    }
  }

  closeHandle(number: number): void {
    this.#notifications.close(number);
    this.#unwatchUnwanted();
  }

  /** A program has gone. What it has set stays; what it was told of is told no more. */
  leave(program: Program): void {
    this.#resume(program);
    this.#notifications.closeAllOf(program);
    this.#unwatchUnwanted();
    for (const [number, gpio] of this.#gpios) this.#unasked(number, gpio.leave(program));
  }

  /** Nothing is told any more. Resolves when all that was to be done is done. */
  async stop(): Promise<void> {
    await Promise.all([...this.#gpios.values()].map((gpio) => gpio.stop()));
  }

  /** Nobody waits for it, and a line that has gone meanwhile needs no more. */
  #unasked(gpio: number, done: Promise<void>): void {
    done.catch((error) => this.#around.log.debug({ err: error, gpio }, "a pin that pigpio programs used can't be changed any more"));
  }

  #resume(program: Program): void {
    this.#pauses.get(program)?.();
    this.#pauses.delete(program);
  }

  /** @returns the level; null: there is no such GPIO, and programs that want to hear of all ask for more than there are */
  async #watch(handle: Handle, gpio: number): Promise<Level | null> {
    try {
      return await this.gpio(gpio).watch(handle.program);
    } catch (error) {
      handle.bits &= ~(1 << gpio);
      if (HoldfastError.from(error).code === "PIN_UNKNOWN") return null;
      throw error;
    }
  }

  /** Null: it can't be read now. */
  #levelOf(pin: string, activeLow: boolean): Level | null {
    try {
      return readAnyLevel(this.#around, pin, activeLow);
    } catch {
      return null;
    }
  }

  /** Ends the watches of which no handle is told any more. */
  #unwatchUnwanted(): void {
    const unwanted = this.#watched & ~this.#notifications.bits;
    this.#watched &= ~unwanted;
    for (const gpio of bitsOf(unwanted)) this.#unasked(gpio, this.gpio(gpio).unwatch());
  }

  /** Does something with several GPIOs. @throws Refusal `SOME_PERMITTED` when it was refused of any */
  async #each(program: Program, gpios: readonly number[], act: (gpio: number) => Promise<void>): Promise<void> {
    const refused = await Promise.all(
      gpios.map((gpio) =>
        act(gpio).then(
          () => false,
          (error) => {
            this.#tellWhy(program, gpio, error);
            return true;
          },
        ),
      ),
    );
    if (refused.includes(true)) throw new Refusal("SOME_PERMITTED");
  }

  /** A code says little: the log says who holds the pin, or what else is in the way. Of one program it does so once, for programs try again. */
  #tellWhy(program: Program, gpio: number, thrown: unknown): void {
    const error = HoldfastError.from(thrown);
    const told = this.#told.get(program) ?? new Set();
    this.#told.set(program, told);
    if (told.has(`${gpio} ${error.code}`)) return;
    told.add(`${gpio} ${error.code}`);
    if (error.code === "INTERNAL")
      this.#around.log.error(
        { err: thrown, gpio, client: program.label },
        "a command of a pigpio program failed in a way that it must not",
      );
    else
      this.refusals.tell(
        { transport: "pigpio", address: program.address, gpio, client: program.label },
        error,
        "refused a pigpio program a pin",
      );
  }
}

/** The numbers of the bits that are set. */
function bitsOf(word: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (word & (1 << bit)) !== 0);
}
