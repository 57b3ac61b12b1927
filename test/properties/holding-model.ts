import type { CloseLevel, Level, Mode, OnDisconnect, PinConfig, RequestOf } from "../../src/protocol/requests.ts";

/** A call of the backend that the next one of its kind was made to fail. */
export type Armed = "request" | "get" | "reconfigure";

/** One client's hold. */
export interface ModelHold {
  readonly share: boolean;
  readonly onDisconnect: OnDisconnect;
  readonly heartbeatMs: number | null;
  readonly sinceUs: number;
}

/** One line, as the rules of holding have it. */
export interface ModelPin {
  readonly settings: ModelSettings;
  readonly holders: Map<number, ModelHold>;
  /** The clients that have gone and are not forgotten until this pin has closed. */
  readonly leavers: number[];
  closing: boolean;
  /** Who has asked for the close, if somebody has. */
  closer: number | null;
  /** The longest time active that it has had as an output; while it is open it gets no longer one. Null: no limit. */
  readonly limitMs: number | null;
}

interface ModelSettings {
  readonly direction: "out" | "in";
  readonly mode: Mode | null;
  readonly initial: Level | readonly Level[];
  readonly bias: string;
  readonly closeLevel: CloseLevel;
  /** Null: no limit. */
  readonly maxOnMs: number | null;
}

type Open = RequestOf<"open">;
type Configure = RequestOf<"configure">;

/** Who holds what, by the rules of DESIGN.md alone. Each method says what a request must come to, and does it if that is `ok`. */
export class HoldingModel {
  readonly pins = new Map<string, ModelPin>();
  readonly uses = new Map<string, { requests: number; releases: number }>();
  readonly armed = new Map<string, Set<Armed>>();
  /** Clients that are connected. */
  readonly connected = new Set<number>();
  /** The pins that clients have lost by their silence, and have not opened since. */
  readonly lapsed = new Map<number, Set<string>>();
  /** When each client sent its last request. */
  readonly heardUs = new Map<number, number>();
  draining = false;
  /** For how long lines may be active, without a break; null: for as long as they like. */
  maxOnMs: number | null = null;
  /** What the configuration says of pins, by their canonical names. */
  configured: Readonly<Record<string, PinConfig>> = {};
  nowUs: () => number = () => 0;

  usesOf(name: string): { requests: number; releases: number } {
    const known = this.uses.get(name) ?? { requests: 0, releases: 0 };
    this.uses.set(name, known);
    return known;
  }

  arm(name: string, failing: Armed): void {
    this.armed.set(name, (this.armed.get(name) ?? new Set()).add(failing));
  }

  /** @param level what the line does, if that is steady */
  open(client: number, name: string, request: Omit<Open, "id" | "op" | "pin">, level: Level | null): string {
    if (this.draining) return "SHUTTING_DOWN";
    const pin = this.pins.get(name);
    const { share = false, onDisconnect = "close", heartbeatMs = null } = request;
    const hold = { share, onDisconnect, heartbeatMs, sinceUs: this.nowUs() };
    if (pin === undefined) {
      const settings = this.#settingsOf(name, request);
      const refusal = this.#forbids(name, settings);
      if (refusal !== null) return refusal;
      if (this.#fails(name, "request")) return "LINE_FAILED";
      this.usesOf(name).requests++;
      if (request.direction === "in" && this.#fails(name, "get")) {
        this.usesOf(name).releases++;
        return "LINE_FAILED";
      }
      this.pins.set(name, {
        settings,
        holders: new Map([[client, hold]]),
        leavers: [],
        closing: false,
        closer: null,
        limitMs: settings.maxOnMs,
      });
      this.lapsed.get(client)?.delete(name);
      return "ok";
    }
    if (pin.closing) return request.waitMs === undefined ? "PIN_CLOSING" : "pending";
    if (pin.holders.has(client)) return "PIN_ALREADY_OPEN";
    const allShare = hold.share && [...pin.holders.values()].every(({ share }) => share);
    if (pin.holders.size > 0 && pin.settings.direction === "out" && !allShare) return "PIN_BUSY";
    if (conflicts(pin.settings, level, this.#bounded(name, request))) return "PIN_CONFLICT";
    pin.holders.set(client, hold);
    this.lapsed.get(client)?.delete(name);
    return "ok";
  }

  /** What anything but `open`, `close` and `cancel` needs: to hold the pin, and that it is not closing. */
  use(client: number, name: string): string {
    const pin = this.pins.get(name);
    const hasLapsed = this.lapsed.get(client)?.has(name) === true;
    if (pin === undefined) return hasLapsed ? "HOLD_LOST" : "PIN_NOT_OPEN";
    if (!pin.holders.has(client) && hasLapsed) return "HOLD_LOST";
    if (pin.closing) return "PIN_CLOSING";
    if (pin.holders.has(client)) return "ok";
    return pin.holders.size > 0 ? "PIN_BUSY" : "PIN_NOT_OPEN";
  }

  command(client: number, name: string): string {
    const use = this.use(client, name);
    return use === "ok" && this.pins.get(name)?.settings.direction === "in" ? "PIN_DIRECTION" : use;
  }

  mode(client: number, name: string, mode: Mode): string {
    const outcome = this.command(client, name);
    if (outcome === "ok") this.#set(name, { mode });
    return outcome;
  }

  cancel(client: number, name: string): string {
    const pin = this.pins.get(name);
    const abandoned = pin?.closing === true && pin.holders.size === 0;
    const holds = pin?.holders.has(client) === true;
    if (pin === undefined || (!abandoned && !holds)) return this.use(client, name);
    if (abandoned && this.#isAnothers(pin, client)) return "PIN_CLOSING";
    return pin.settings.direction === "in" ? "PIN_DIRECTION" : "ok";
  }

  watch(client: number, name: string): string {
    const use = this.use(client, name);
    return use === "ok" && this.#fails(name, "get") ? "LINE_FAILED" : use;
  }

  read(name: string): string {
    if (!this.pins.has(name)) {
      if (this.#fails(name, "request")) return "LINE_FAILED";
      this.usesOf(name).requests++;
      this.usesOf(name).releases++;
    }
    return this.#fails(name, "get") ? "LINE_FAILED" : "ok";
  }

  /** @param busy whether commands that have an end are under way */
  configure(client: number, name: string, request: Omit<Configure, "id" | "op" | "pin">, busy: boolean): string {
    const use = this.use(client, name);
    const pin = this.pins.get(name);
    if (use !== "ok" || pin === undefined) return use;
    const direction = request.direction ?? pin.settings.direction;
    const { mode, closeLevel, initial, maxOnMs } = request;
    if (direction === "in" && (mode ?? closeLevel ?? initial ?? maxOnMs) !== undefined) return "PIN_DIRECTION";
    if ((initial ?? maxOnMs) !== undefined && pin.settings.direction === "out") return "BAD_FIELD";
    const said = named({ direction: request.direction, mode, closeLevel, bias: request.bias });
    const isNoChange = Object.entries(said).every(([key, value]) => pin.settings[key as keyof ModelSettings] === value);
    if (pin.holders.size > 1 && !isNoChange) return "PIN_BUSY";
    const turned = this.#settingsOf(name, { ...request, direction });
    const refusal = this.#forbids(name, { ...(direction === pin.settings.direction ? pin.settings : turned), ...named({ closeLevel }) });
    if (refusal !== null) return refusal;
    const turns = direction !== pin.settings.direction;
    if (turns && busy) return "PIN_CONFLICT";
    const isChanged = turns || (request.bias ?? pin.settings.bias) !== pin.settings.bias;
    if (isChanged && this.#fails(name, "reconfigure")) return "LINE_FAILED";
    if (turns && direction === "in" && this.#fails(name, "get")) return "LINE_FAILED";
    const { bias } = pin.settings;
    const settings = this.#settingsOf(name, { bias: bias as never, ...request, direction });
    if (turns) this.pins.set(name, { ...pin, settings, limitMs: settings.maxOnMs ?? pin.limitMs });
    else this.#set(name, named(request));
    const hold = pin.holders.get(client);
    if (hold !== undefined) pin.holders.set(client, { ...hold, onDisconnect: request.onDisconnect ?? hold.onDisconnect });
    return "ok";
  }

  /** `pending`: the answer comes when the pin has closed. */
  close(client: number, name: string): string {
    const pin = this.pins.get(name);
    if (pin === undefined || (pin.holders.size > 0 && !pin.holders.has(client))) return this.use(client, name);
    if (pin.holders.size === 0 && this.#isAnothers(pin, client)) return "PIN_CLOSING";
    pin.holders.delete(client);
    if (pin.holders.size > 0) return "ok";
    pin.closing = true;
    pin.closer = client;
    return "pending";
  }

  leave(client: number): void {
    this.connected.delete(client);
    for (const pin of this.pins.values()) {
      const hold = pin.holders.get(client);
      if (hold === undefined) continue;
      pin.holders.delete(client);
      if (pin.holders.size > 0 || hold.onDisconnect === "stay") continue;
      pin.closing = true;
      pin.leavers.push(client);
    }
  }

  /** When a hold ends unless its client is heard of; null: its client may be silent. */
  dueUs(client: number, { heartbeatMs, sinceUs }: ModelHold): number | null {
    return heartbeatMs === null ? null : Math.max(sinceUs, this.heardUs.get(client) ?? 0) + heartbeatMs * 1000;
  }

  /** A client was silent for too long. */
  lapse(client: number, name: string): void {
    const pin = this.pins.get(name);
    pin?.holders.delete(client);
    if (pin?.holders.size === 0) pin.closing = true;
    this.lapsed.set(client, (this.lapsed.get(client) ?? new Set()).add(name));
  }

  shutdown(): void {
    this.draining = true;
    for (const pin of this.pins.values()) pin.closing = true;
  }

  /** The line has been given back. */
  closed(name: string): void {
    this.pins.delete(name);
    this.usesOf(name).releases++;
  }

  get leaving(): Set<number> {
    return new Set([...this.pins.values()].flatMap(({ leavers }) => leavers));
  }

  /** Another client has closed the pin, and is still there. */
  #isAnothers({ closer }: ModelPin, client: number): boolean {
    return closer !== null && closer !== client && this.connected.has(closer);
  }

  #set(name: string, changed: Partial<ModelSettings>): void {
    const pin = this.pins.get(name);
    if (pin !== undefined) this.pins.set(name, { ...pin, settings: { ...pin.settings, ...changed } });
  }

  /** The least of what limits the time for which a line may be active. */
  #leastMs(name: string, askedMs: number | null = null): number | null {
    const limits = [this.maxOnMs, this.#configOf(name, "maxOnMs") ?? null, askedMs].filter((ms) => ms !== null);
    return limits.length === 0 ? null : Math.min(...limits);
  }

  #configOf<K extends keyof PinConfig>(name: string, key: K): PinConfig[K] {
    return this.configured[name]?.[key] ?? this.configured["*"]?.[key];
  }

  /** A request whose limit is no longer than it may be. */
  #bounded(name: string, request: Omit<Open, "id" | "op" | "pin">): typeof request {
    return request.maxOnMs === undefined ? request : { ...request, maxOnMs: this.#leastMs(name, request.maxOnMs) ?? request.maxOnMs };
  }

  #settingsOf(name: string, request: Omit<Open, "id" | "op" | "pin">): ModelSettings {
    const { direction, mode = "wait", initial = 0, bias = "as-is", closeLevel = this.#configOf(name, "closeLevel") ?? "off" } = request;
    const isInput = direction === "in";
    const asked = [request.maxOnMs, this.pins.get(name)?.limitMs].filter((ms) => typeof ms === "number");
    const maxOnMs = isInput ? null : this.#leastMs(name, asked.length === 0 ? null : Math.min(...asked));
    return { direction, mode: isInput ? null : mode, initial, bias, closeLevel, maxOnMs };
  }

  #forbids(name: string, { direction, closeLevel, maxOnMs }: ModelSettings): string | null {
    if (direction === "in") return null;
    if (closeLevel !== (this.#configOf(name, "closeLevel") ?? closeLevel)) return "PIN_CONFLICT";
    return closeLevel !== "off" && maxOnMs !== null ? "LIMIT_ON" : null;
  }

  #fails(name: string, failing: Armed): boolean {
    return this.armed.get(name)?.delete(failing) ?? false;
  }
}

function named(request: Omit<Configure, "id" | "op" | "pin">): Partial<ModelSettings> {
  const { direction, mode, initial, bias, closeLevel, maxOnMs } = request;
  return Object.fromEntries(
    Object.entries({ direction, mode, initial, bias, closeLevel, maxOnMs }).filter(([, value]) => value !== undefined),
  );
}

function conflicts(settings: ModelSettings, level: Level | null, request: Omit<Open, "id" | "op" | "pin">): boolean {
  const open = { ...settings, initial: level };
  return Object.entries(named(request)).some(([name, value]) => open[name as keyof ModelSettings] !== value);
}
