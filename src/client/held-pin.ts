import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf, ReplyOf } from "../protocol/replies.ts";
import type { CommandRequest, EdgeFilter, Fields, Mode } from "../protocol/requests.ts";
import type { HoldfastClient } from "./client.ts";
import type { EventStream } from "./event-stream.ts";

/** `GPIO17`, `17` or 17, `BOARD11`, a line name, or `chip-label:offset`; of a group: several, with `+` between them. */
export type PinName = string | number;

/** How an output is opened. */
export type OutputOptions = Omit<Fields<"open">, "pin" | "direction" | "debounceUs">;
/** How an input is opened. */
export type InputOptions = Pick<Fields<"open">, "bias" | "activeLow" | "debounceUs" | "onDisconnect" | "heartbeatMs" | "waitMs">;

/** What every command may say beside its own fields. */
export type CommandOptions = Pick<Fields<"on">, "durationMs" | "mode" | "ack">;
/** What a command answers: at once, or, with `ack`, when it has started or ended. */
export type CommandReply = ReplyOf<CommandRequest["op"]>;

/** A pin that this client holds. `await using` closes it. */
abstract class HeldPin<Self> implements AsyncDisposable {
  /** The canonical name, once the pin is open. */
  name: string;
  /** Whether it was open already when this client opened it: it has joined the holders then, or adopted the pin. */
  wasOpen = false;
  #closing: Promise<unknown> | null = null;
  /** What opens the pin as it is set now. */
  #settings: Omit<Fields<"open">, "pin">;

  constructor(
    protected readonly client: HoldfastClient,
    name: string,
    settings: Omit<Fields<"open">, "pin">,
    private readonly closed: (pin: Self) => void,
  ) {
    this.name = name;
    this.#settings = settings;
  }

  /** For the client, which opens the pin for its program. */
  async open(): Promise<void> {
    const { pin, wasOpen = false } = await this.client.request("open", { ...this.#settings, pin: this.name });
    this.name = pin;
    this.wasOpen = wasOpen;
  }

  /** For the client, which opens the pin again after a reconnection. @param waitMs how long it may still be closing */
  async reopen(waitMs: number): Promise<void> {
    const fields = { ...this.#settings, waitMs: Math.max(waitMs, this.#settings.waitMs ?? 0), pin: this.name };
    try {
      await this.client.request("open", fields);
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === "PIN_CONFLICT" && error.details.field === "initial")) throw error;
      // It has stayed open, and is where its commands have brought it.
      await this.client.request("open", { ...fields, initial: undefined });
    }
  }

  /** Remembers a change of settings. A new direction has no use for most of the old ones. */
  protected keep(changed: Omit<Fields<"configure">, "pin">): void {
    const { direction, activeLow, bias, onDisconnect, heartbeatMs, waitMs } = this.#settings;
    const turned = changed.direction !== undefined && changed.direction !== direction;
    const kept = turned ? { direction, activeLow, bias, onDisconnect, heartbeatMs, waitMs } : this.#settings;
    const named = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
    this.#settings = { ...kept, ...named };
  }

  /** The level now. */
  read(): Promise<ReplyOf<"read">> {
    return this.client.read(this.name);
  }

  /**
   * Its edges, with the kernel's timestamps; of an output, those that its commands make. With `silenceMs` there is an event, too, when
   * none of them comes for so long: one, until the next edge.
   */
  edges(options?: { readonly edge?: EdgeFilter }): Promise<EventStream<EventOf<"edge">>>;
  edges(options: { readonly edge?: EdgeFilter; readonly silenceMs: number }): Promise<EventStream<EventOf<"edge"> | EventOf<"silence">>>;
  edges(options: Omit<Fields<"watch">, "pin"> = {}): Promise<unknown> {
    return this.client.subscribe("watch", { ...options, pin: this.name });
  }

  /** What it does: a snapshot, then an event for each change of state or command. */
  observe(): Promise<EventStream<EventOf<"state">>> {
    return this.client.observe(this.name);
  }

  /** Changes its settings; only for a sole holder. */
  async configure(settings: Omit<Fields<"configure">, "pin">): Promise<void> {
    await this.client.request("configure", { ...settings, pin: this.name });
    this.keep(settings);
  }

  /** Lets go of the pin: softly, when what was commanded has run, or at once. Resolves when that has happened. */
  async close({ hard = false }: { readonly hard?: boolean } = {}): Promise<void> {
    this.closed(this as unknown as Self);
    this.#closing = this.client.request("close", { pin: this.name, hard });
    await this.#closing;
  }

  /** Closes the pin softly, unless that has been done. A connection that is lost, or too long a silence, has closed it too. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await (this.#closing ?? this.close());
    } catch (error) {
      if (!(error instanceof HoldfastError && (error.code === "DISCONNECTED" || error.code === "HOLD_LOST"))) throw error;
    }
  }
}

/** An output that this client holds. Each command answers when it is accepted, or as its `ack` says. */
export class OutputPin extends HeldPin<OutputPin> {
  constructor(client: HoldfastClient, name: string, options: OutputOptions, closed: (pin: OutputPin) => void) {
    super(client, name, { ...options, direction: "out" }, closed);
  }

  on(options: CommandOptions = {}): Promise<CommandReply> {
    return this.client.request("on", { ...options, pin: this.name });
  }

  off(options: CommandOptions = {}): Promise<CommandReply> {
    return this.client.request("off", { ...options, pin: this.name });
  }

  /** Anything but steady off becomes off, steady off becomes on. */
  toggle(options: CommandOptions = {}): Promise<CommandReply> {
    return this.client.request("toggle", { ...options, pin: this.name });
  }

  /** Drives each line of a group to its own level, all at once. */
  write(levels: Fields<"write">["levels"], options: CommandOptions = {}): Promise<CommandReply> {
    return this.client.request("write", { ...options, levels, pin: this.name });
  }

  /** Drives a duty from 0 to 1, by PWM between them. */
  value(value: number, options: CommandOptions = {}): Promise<CommandReply> {
    return this.client.request("value", { ...options, value, pin: this.name });
  }

  blink(options: CommandOptions & Pick<Fields<"blink">, "onMs" | "offMs" | "n">): Promise<CommandReply> {
    return this.client.request("blink", { ...options, pin: this.name });
  }

  pulse(options: CommandOptions & Pick<Fields<"pulse">, "fadeInMs" | "fadeOutMs" | "n">): Promise<CommandReply> {
    return this.client.request("pulse", { ...options, pin: this.name });
  }

  pattern(options: CommandOptions & Pick<Fields<"pattern">, "steps" | "n">): Promise<CommandReply> {
    return this.client.request("pattern", { ...options, pin: this.name });
  }

  /** How commands that say nothing else treat one that runs; the queue stays. */
  async setMode(mode: Mode): Promise<void> {
    await this.client.request("mode", { pin: this.name, mode });
    this.keep({ mode });
  }

  /** Ends one command, or all that this client may. @returns how many */
  async cancel(command?: number): Promise<number> {
    return (await this.client.request("cancel", { pin: this.name, command })).cancelled;
  }
}

/** An input that this client holds. */
export class InputPin extends HeldPin<InputPin> {
  constructor(client: HoldfastClient, name: string, options: InputOptions, closed: (pin: InputPin) => void) {
    super(client, name, { ...options, direction: "in" }, closed);
  }
}
