import { type Actor, createActor, type SnapshotFrom, type Subscription } from "xstate";
import { type CancelReason, type Command, concerns, type Outcome, type Playing, pinMachine } from "../../actors/pin.ts";
import { isEndless, isSteadyLevel, steady, steadyDuty, type Wave, waveOf } from "../../actors/wave.ts";
import type { Line } from "../gpio/backend.ts";
import { ClockPlayer } from "../gpio/clock-player.ts";
import { commonLevel, eachLevel, type Levels, levelAt } from "../gpio/levels.ts";
import type { WaveListener, WavePlayer } from "../gpio/wave-player.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { PinState, ReplyOf } from "../protocol/replies.ts";
import type { CloseLevel, CommandRequest, Mode } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tenant, TenantHooks } from "./tenant.ts";

type CommandReply = ReplyOf<CommandRequest["op"]>;

/** How an output begins. */
interface OutputSettings {
  /** The canonical name. */
  readonly pin: string;
  /** How many lines it drives. */
  readonly lines: number;
  readonly initial: Levels;
  readonly mode: Mode;
  readonly closeLevel: CloseLevel;
  /** The frequency of PWM. */
  readonly frequencyHz: number;
  /** The longest time that the line may be active without a break; Infinity: no limit. */
  readonly maxOnMs: number;
  /** The number of the last command that this pin has had. */
  readonly lastCommand: number;
}

/** How the reply to a command that waits for it is completed. */
interface Waiting {
  readonly until: "started" | "done";
  readonly answer: (ended: Pick<CommandReply, "outcome" | "reason" | "lateMs">) => void;
}

/** An output, or a group of them: the pin machine, the player of its waves, and the replies that wait for its commands. */
export class Output implements Tenant {
  readonly direction = "out";
  readonly #line: Line;
  readonly #surroundings: Surroundings;
  readonly #hooks: TenantHooks;
  readonly #player: WavePlayer;
  readonly #actor: Actor<typeof pinMachine>;
  readonly #closed: Subscription;
  readonly #waiting = new Map<number, Waiting>();
  #snapshot: SnapshotFrom<typeof pinMachine>;
  readonly #pin: string;
  readonly #lines: number;
  /** What was last told of the levels, and how many edges were lost since. */
  #told: Levels;
  #lost = 0;
  #lastCommand: number;
  #closeLevel: CloseLevel;

  constructor(line: Line, settings: OutputSettings, surroundings: Surroundings, hooks: TenantHooks) {
    const { clock, tally } = surroundings;
    this.#line = line;
    this.#surroundings = surroundings;
    this.#hooks = hooks;
    this.#pin = settings.pin;
    this.#lines = settings.lines;
    this.#told = settings.initial;
    this.#lastCommand = settings.lastCommand;
    this.#closeLevel = settings.closeLevel;
    const listener: WaveListener = {
      started: (number) => this.#started(number),
      ended: (number, lateMs) => this.#send({ type: "ended", number, lateMs }),
      limited: (number) => this.#send({ type: "stopped", number, reason: "MAX_ON" }),
      failed: (error) => hooks.failed(error),
      edge: (levels, atUs, lost) => this.#tellEdges(levels, BigInt(Math.round(atUs * 1000)), lost),
      skipped: (cycles) => {
        tally.skippedCycles += cycles;
      },
    };
    const { initial, frequencyHz, maxOnMs } = settings;
    const playing = { initial, frequencyHz, maxOnMs };
    this.#player = line.player?.(playing, listener) ?? new ClockPlayer(line, playing, clock, listener);
    const machine = pinMachine.provide({
      actions: {
        play: (_, next) => this.#play(next),
        acknowledge: (_, ended) => this.#ended(ended.command, ended.outcome),
        release: ({ context }) => this.#release(context.wave),
      },
    });
    const level = commonLevel(initial) ?? eachLevel(initial, settings.lines);
    this.#actor = createActor(machine, { input: { mode: settings.mode, initial: level } });
    this.#closed = this.#actor.subscribe({ complete: hooks.closed });
    this.#actor.start();
    this.#snapshot = this.#actor.getSnapshot();
  }

  get state(): PinState {
    const { value } = this.#snapshot;
    if (typeof value !== "string") return "closing";
    return value as Exclude<typeof value, "opened">;
  }

  get released(): boolean {
    return this.#snapshot.matches({ closing: "releasing" }) || this.#snapshot.matches("closed");
  }

  get mode(): Mode {
    return this.#snapshot.context.mode;
  }

  /** The number of the last command; 0: there was none. */
  get lastCommand(): number {
    return this.#lastCommand;
  }

  get queued(): number {
    return this.#snapshot.context.queue.length;
  }

  get command(): Command | null {
    return this.#snapshot.context.running?.command ?? null;
  }

  get value(): number | null {
    return steadyDuty(this.#snapshot.context.wave);
  }

  get level(): Levels | null {
    return isSteadyLevel(this.#snapshot.context.wave) ? this.#player.level : null;
  }

  /** Where the line is driven when it closes. */
  set closeLevel(closeLevel: CloseLevel) {
    this.#closeLevel = closeLevel;
    this.#player.endsOff = this.#endsOff(this.queued === 0);
  }

  /** The longest time that the line may be active without a break, in ms; Infinity: no limit. A new one holds at once. */
  set maxOnMs(ms: number) {
    this.#player.maxOnMs = ms;
  }

  /** The frequency of PWM, for commands that start from now on. */
  set frequencyHz(hz: number) {
    this.#player.frequencyHz = hz;
  }

  /** Whether anybody watches the line. */
  set watched(watched: boolean) {
    if (watched === this.#player.watched) return;
    if (!watched) this.#player.watched = false;
    // From here on every edge is told, against the levels that there are now.
    else
      this.#player.undisturbed((levels) => {
        this.#told = levels;
        this.#player.watched = true;
      });
  }

  /**
   * Does something to the line, which has this level, while nothing drives it.
   * @throws HoldfastError `LINE_FAILED` when what drives it does not let go
   */
  undisturbed(act: (level: Levels) => void): void {
    this.#player.undisturbed(act);
  }

  /** Whether a command runs that has an end. */
  get busy(): boolean {
    const { running } = this.#snapshot.context;
    return running !== null && !isEndless(running.wave);
  }

  get remainingMs(): number {
    const running = this.#player.remainingMs;
    const queued = this.#snapshot.context.queue.map(({ request }) => waveOf(request, steady(0)).totalMs);
    return [running, ...queued].filter(Number.isFinite).reduce((sum, ms) => sum + ms, 0);
  }

  /**
   * Accepts a command. The reply comes at once, or when the command has started or ended, as its `ack` says.
   * @throws HoldfastError `LIMIT_QUEUE`
   */
  perform(request: CommandRequest, client: Client): CommandReply | Promise<CommandReply> {
    const { limits, tally } = this.#surroundings;
    if (this.queued >= limits.queuedCommands && (request.mode ?? this.mode) === "wait") {
      throw new HoldfastError("LIMIT_QUEUE", `a pin may have ${limits.queuedCommands} queued commands`, {
        pin: this.#pin,
        limit: limits.queuedCommands,
      });
    }
    const number = ++this.#lastCommand;
    tally.accepted += 1;
    const { ack } = request;
    const wait = ack === "started" || ack === "done" ? this.#wait(number, ack) : null;
    this.#send({ type: "command", command: { number, by: { client: client.number, name: client.name }, request } });
    const reply = { state: this.state, queued: this.queued, command: number };
    return wait === null ? reply : wait.then((ended) => ({ ...reply, state: this.state, queued: this.queued, ...ended }));
  }

  setMode(mode: Mode): void {
    this.#send({ type: "mode", mode });
  }

  /**
   * Ends commands before their time.
   * @param number which one; undefined: all
   * @param client whose; null: anybody's
   * @returns how many
   * @throws HoldfastError `COMMAND_UNKNOWN`
   */
  cancel(number: number | undefined, client: Client | null): number {
    const cancellation = { number, client: client?.number };
    const { running, queue } = this.#snapshot.context;
    const meant = [...(running === null ? [] : [running.command]), ...queue].filter((command) => concerns(cancellation, command));
    if (number !== undefined && meant.length === 0) {
      throw new HoldfastError("COMMAND_UNKNOWN", `${this.#pin} has no command ${number} that this client may cancel`, {
        field: "command",
        pin: this.#pin,
      });
    }
    if (meant.length > 0) this.#send({ type: "cancel", ...cancellation });
    return meant.length;
  }

  close(): void {
    this.#send({ type: "close" });
  }

  abort(reason: CancelReason): void {
    this.#send({ type: "abort", reason });
  }

  retire(): void {
    this.#closed.unsubscribe();
    this.#player.stop();
    const running = this.#snapshot.context.running?.command;
    if (running !== undefined) this.#ended(running, { outcome: "done", lateMs: 0 });
    this.#actor.stop();
  }

  #send(event: Parameters<Actor<typeof pinMachine>["send"]>[0]): void {
    this.#actor.send(event);
    const snapshot = this.#actor.getSnapshot();
    // Sent from within an action, an event waits until the one before it is done; nothing has changed yet.
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    this.#player.endsOff = this.#endsOff(this.queued === 0);
    this.#hooks.changed(event.type === "command" ? event.command.request.op : event.type);
  }

  #play(next: Playing | null): void {
    if (next === null) this.#player.rest(0);
    else this.#player.play(next.command.number, next.wave, this.#endsOff(next.isLast));
  }

  /** With nothing to come after it, a wave ends off by itself: nobody has to hear of its end first. */
  #endsOff(isLast: boolean): boolean {
    return isLast && (this.state !== "closing" || this.#closeLevel === "off");
  }

  #release(wave: Wave): void {
    const level = { off: 0, on: 1, keep: steadyDuty(wave) === 0 ? 0 : null } as const;
    this.#player.rest(level[this.#closeLevel]);
    this.#player.stop();
    this.#line.release(() => this.#send({ type: "released" }));
  }

  /** The lines that have changed did so at one instant. */
  #tellEdges(levels: Levels, timestampNs: bigint, lost: number): void {
    const told = this.#told;
    this.#told = levels;
    this.#lost += lost;
    for (let index = 0; index < this.#lines; index++) {
      const level = levelAt(levels, index);
      // Only a line that is alone is known to have changed, even if its last edge was lost.
      if (this.#lines > 1 && level === levelAt(told, index)) continue;
      const before = this.#lost;
      this.#lost = 0;
      this.#hooks.edge({ index, level, timestampNs, lost: before });
    }
  }

  #wait(number: number, until: Waiting["until"]): Promise<Pick<CommandReply, "outcome" | "reason" | "lateMs">> {
    return new Promise((answer) => this.#waiting.set(number, { until, answer }));
  }

  #started(number: number): void {
    if (this.#waiting.get(number)?.until === "started") this.#answer(number, { outcome: "started" });
  }

  #ended({ number }: Command, outcome: Outcome): void {
    this.#surroundings.tally[outcome.outcome] += 1;
    this.#answer(number, outcome);
  }

  #answer(number: number, ended: Parameters<Waiting["answer"]>[0]): void {
    this.#waiting.get(number)?.answer(ended);
    this.#waiting.delete(number);
  }
}
