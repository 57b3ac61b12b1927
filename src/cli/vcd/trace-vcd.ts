import type { TracedEdge, TracedTransition } from "../traced.ts";
import { InOrder } from "./in-order.ts";
import { type Value, type Variable, VcdFile } from "./vcd-file.ts";

/** What a trace tells of. */
type Seen = TracedTransition | TracedEdge;

/** The state of an actor that is not there any more. */
const GONE = "gone";

/** What each kind of variable is before anything is known of it. A `state` is text; the wire of a pin is a `line`, and was closed. */
const before = { line: "z", wire: 0, state: GONE, "state of a pin": "closed", real: 0 } as const;
const types = { line: "wire", wire: "wire", state: "string", "state of a pin": "string", real: "real" } as const;

/**
 * A trace as a file of waveforms. Of each pin a wire, which is `z` while the pin is closed and `x` while nobody knows; of each actor its state as
 * text, which GTKWave shows, and a wire for each state that it has been in, which PulseView shows too.
 */
export class TraceVcd {
  readonly #file: VcdFile;
  readonly #inOrder = new InOrder<Seen>();
  readonly #variables = new Map<string, Variable | null>();
  /** Of each actor: the state that it is in, and the wires for that. */
  readonly #present = new Map<string, { readonly state: string; readonly wires: readonly Variable[] }>();
  /** The time at which the file begins. */
  #originNs: bigint | null = null;
  #leftOut = 0;
  #lost = 0;

  /** @throws FileFailed */
  constructor(path: string) {
    this.#file = new VcdFile(path);
  }

  /** How many variables are missing, for there was no more room at the top of the file. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** How many events came too fast for this program, and are missing. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes what has happened. Nothing is written yet. */
  add(event: Seen): void {
    this.#inOrder.add(event);
  }

  /** Writes what need not wait any more for something earlier. To be called in equal pauses. @throws FileFailed */
  write(): void {
    for (const event of this.#inOrder.settled()) this.#write(event);
    this.#file.flush();
  }

  /** Writes what is left. @param lastedNs for how long nothing has happened @throws FileFailed */
  end(lastedNs: bigint): void {
    for (const event of this.#inOrder.rest()) this.#write(event);
    this.#file.elapse(Number(lastedNs / 1000n));
    this.#file.close();
  }

  #write(event: Seen): void {
    this.#file.advance(this.#sinceOriginUs(event.timestampNs));
    if (event.ev === "edge") {
      const pin = event.member ?? event.pin;
      this.#set("pin", pin, "line", event.level);
      if (event.lost > 0) this.#noteLoss(event, `edges of ${pin}`);
      return;
    }
    this.#writeState(event);
    if (event.address.startsWith("pin/")) this.#writeLevels(event);
    if (event.lost > 0) this.#noteLoss(event, "events");
  }

  #noteLoss({ lost, timestampNs }: Seen, what: string): void {
    this.#lost += lost;
    this.#file.remark(`lost ${lost} ${what} before time ${this.#sinceOriginUs(timestampNs)}`);
  }

  #sinceOriginUs(timestampNs: bigint): number {
    if (this.#originNs === null) {
      this.#originNs = timestampNs;
      this.#file.remark(`time 0 is ${timestampNs} ns after the boot of the supervisor's machine`);
    }
    return Number((timestampNs - this.#originNs) / 1000n);
  }

  #writeState({ address, state }: TracedTransition): void {
    const past = this.#present.get(address);
    if (past?.state === state) return;
    const [kind = "", ...rest] = address.split("/");
    const name = rest.length === 0 ? kind : rest.join("/");
    this.#set(kind, `${name}/state`, kind === "pin" ? "state of a pin" : "state", state);
    for (const wire of past?.wires ?? []) this.#file.set(wire, 0);
    // Of parallel states each has a wire.
    const states = state === GONE ? [] : state.split(", ");
    this.#present.set(address, { state, wires: states.flatMap((each) => this.#set(kind, `${name}=${each}`, "wire", 1) ?? []) });
  }

  #writeLevels({ address, state, data }: TracedTransition): void {
    const pin = address.slice("pin/".length);
    const isClosed = state === "closed" || state === GONE;
    const { level, levels, value } = data;
    for (const [index, line] of pin.split("+").entries()) {
      const known = Array.isArray(levels) ? levels[index] : level;
      if (isClosed) this.#set("pin", line, "line", "z");
      else if (known === 0 || known === 1) this.#set("pin", line, "line", known);
      else if (!this.#variables.has(`pin ${line}`)) this.#set("pin", line, "line", "x");
    }
    if (typeof value === "number" && (!Number.isInteger(value) || this.#variables.has(`pin ${pin}/duty`)))
      this.#set("pin", `${pin}/duty`, "real", value);
  }

  /** @returns null: there is no room for the variable */
  #set(scope: string, name: string, kind: keyof typeof before, value: Value): Variable | null {
    const key = `${scope} ${name}`;
    let variable = this.#variables.get(key);
    if (variable === undefined) {
      variable = this.#file.declare(scope, name, types[kind], before[kind]);
      this.#variables.set(key, variable);
      if (variable === null) this.#leftOut += 1;
    }
    if (variable !== null) this.#file.set(variable, value);
    return variable;
  }
}
