import { HoldfastError } from "../../protocol/errors.ts";
import type { Mode, Op, RequestOf } from "../../protocol/requests.ts";
import { parseRequest } from "../../protocol/requests.ts";
import type { Client, Outlet, Peer } from "../../supervisor/client.ts";
import type { Reply, Supervisor } from "../../supervisor/supervisor.ts";
import { ACCEPTED, CREATED, ignored, refusal } from "./replies.ts";
import type { RemoteioRequest } from "./request.ts";

/** The PWM of gpiozero's PWMLED, which is what remoteio makes of every pin. */
const PWM_HZ = 100;
/** How long its `pulse` takes to fade in, and as long to fade out, in ms. */
const FADE_MS = 1000;
/** How long a pin that is just closing is waited for, in ms: a program may end one connection and begin the next at once. */
const CLOSING_MS = 1000;

type Command = RequestOf<"on" | "off" | "toggle" | "blink" | "pulse" | "value">;

/** What each command asks of an output. What it has no use for is not looked at. */
const commands: Readonly<Record<string, (request: RemoteioRequest) => object>> = {
  on: () => ({ op: "on" }),
  off: () => ({ op: "off" }),
  toggle: () => ({ op: "toggle" }),
  blink: ({ arg1, arg2 }) => ({ op: "blink", onMs: millisecondsOf("arg1", arg1), offMs: millisecondsOf("arg2", arg2) }),
  pulse: () => ({ op: "pulse", fadeInMs: FADE_MS, fadeOutMs: FADE_MS }),
  value: ({ arg1 }) => ({ op: "value", value: numberOf("arg1", arg1) }),
};

/** One client of remoteio's, and the pins that it has created: its words become requests, and what came of them replies. */
export class Session implements Outlet {
  readonly ready = true;
  readonly #supervisor: Supervisor;
  readonly #client: Client;
  readonly #mode: Mode;
  /** Those that it may command, by their numbers on the header. */
  readonly #created = new Set<string>();
  /** The pin whose queue is full has done something. */
  #moved = () => {};
  /** What there is no room for yet may wait for it. */
  #mayWait = true;

  /** @throws HoldfastError `LIMIT_CLIENTS`, `SHUTTING_DOWN` */
  constructor(supervisor: Supervisor, peer: Peer, mode: Mode) {
    this.#supervisor = supervisor;
    this.#mode = mode;
    this.#client = supervisor.attach(peer, this);
  }

  /** What its client is called in logs. */
  get label(): string {
    return this.#client.label;
  }

  /** The only events are those of a pin whose queue is full. */
  deliver(): void {
    this.#moved();
  }

  /**
   * Does what a request asks, and says what came of it. The next one is for when this has its answer: a full queue makes its client wait.
   * A reply begins with `!` when the command has been accepted, else with `?`.
   */
  answer(request: RemoteioRequest): string | Promise<string> {
    try {
      const reply = this.#do(request);
      return reply instanceof Promise ? reply.catch((error) => refusal(request, error)) : reply;
    } catch (error) {
      return refusal(request, error);
    }
  }

  /** Nobody asks for more: from now on what there is no room for is refused. */
  waitNoMore(): void {
    this.#mayWait = false;
    this.#moved();
  }

  /** The connection is over: pins run what they have accepted, and are given back. */
  end(): void {
    this.#client.end();
    this.#moved();
  }

  #do(request: RemoteioRequest): string | Promise<string> {
    const { numbering, pin, command } = request;
    if (numbering !== "b") throw wrong("numbering", "must be b: the client is to say the number on the header");
    if (command === "create") return this.#create(pin);
    const meant = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (meant === undefined && command !== "close") throw new HoldfastError("UNKNOWN_OP", "there is no such command");
    if (!this.#created.has(pin)) return ignored(command);
    if (meant === undefined) return this.#close(pin);
    const timeMs = numberOf("time_ms", request.timeMs);
    const fields = { ...meant(request), pin: `BOARD${pin}`, ...(timeMs !== 0 && { durationMs: timeMs }) };
    const asked = parsed<Command["op"]>(fields) as Command;
    return this.#accepts(asked) ? ACCEPTED : this.#acceptOnceThereIsRoom(asked);
  }

  #create(pin: string): string | Promise<string> {
    // Nothing but a number: names of other lines, and of groups, are not for who says BOARD.
    if (!/^[1-9]\d?$/.test(pin)) throw wrong("pin", "must be a number on the header, 1 to 40");
    const request = { op: "open", pin: `BOARD${pin}`, direction: "out", mode: this.#mode, frequencyHz: PWM_HZ, waitMs: CLOSING_MS };
    const created = () => {
      this.#created.add(pin);
      return CREATED;
    };
    const opened = this.#ask(parsed<"open">(request));
    return opened instanceof Promise ? opened.then(created) : created();
  }

  /** In mode `nowait` a command takes the place of those before it, and so does this one. */
  #close(pin: string): string {
    const closed = this.#ask(parsed<"close">({ op: "close", pin: `BOARD${pin}`, hard: this.#mode === "nowait" }));
    this.#created.delete(pin);
    // A pin that is not there any more, because its chip has gone, is as closed as can be.
    Promise.resolve(closed).catch(() => {});
    return ACCEPTED;
  }

  async #acceptOnceThereIsRoom(request: Command): Promise<string> {
    const { sub } = (await this.#ask(parsed<"observe">({ op: "observe", pin: request.pin }))) as { readonly sub: number };
    try {
      while (!this.#accepts(request)) {
        await new Promise<void>((resolve) => {
          this.#moved = resolve;
        });
      }
      return ACCEPTED;
    } finally {
      void this.#ask(parsed<"unwatch">({ op: "unwatch", sub }));
    }
  }

  /** @returns false when the queue of the pin is full, and its client waits for room */
  #accepts(request: Command): boolean {
    try {
      void this.#ask(request);
      return true;
    } catch (error) {
      if (this.#mayWait && HoldfastError.from(error).code === "LIMIT_QUEUE") return false;
      throw error;
    }
  }

  #ask(request: RequestOf<Op>): Reply | Promise<Reply> {
    return this.#supervisor.request(this.#client, request);
  }
}

function wrong(field: string, message: string): HoldfastError {
  return new HoldfastError("BAD_FIELD", `${field} ${message}`, { field });
}

/** A number as Python prints it. */
function numberOf(field: string, word: string): number {
  if (!/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word)) throw wrong(field, "must be a decimal number");
  return Number(word);
}

/** Seconds, to the grain of all timing, as milliseconds. */
function millisecondsOf(field: string, word: string): number {
  return Math.round(numberOf(field, word) * 1e6) / 1000;
}

/** @throws HoldfastError `BAD_FIELD` */
function parsed<O extends Op>(request: object): RequestOf<O> {
  return parseRequest({ id: 0, ...request }) as RequestOf<O>;
}
