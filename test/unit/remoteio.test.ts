import { describe, expect, test } from "bun:test";
import assert from "node:assert/strict";
import { World, type WorldOptions } from "../../src/index-testing.ts";
import { fullAccess } from "../../src/protocol/access.ts";
import type { Mode } from "../../src/protocol/requests.ts";
import { type RemoteioRequest, RequestReader } from "../../src/transports/remoteio/request.ts";
import { Session } from "../../src/transports/remoteio/session.ts";

const QUEUED = "! command on execution-queue";

const peer = { transport: "test", name: "speaker", address: null, pid: null, uid: null, access: () => fullAccess };

/** A client of remoteio's that says things, and what it is told. */
class Speaker {
  readonly #session: Session;
  readonly #reader = new RequestReader();

  constructor(world: World, mode: Mode = "wait") {
    this.#session = new Session(world.supervisor, peer, mode);
  }

  /** @returns the replies to requests that have them at once */
  say(...requests: readonly string[]): readonly string[] {
    return requests.map((request) => {
      const reply = this.#answer(request);
      assert(typeof reply === "string", `${request} has to wait`);
      return reply;
    });
  }

  /** @returns the reply to a request that has to wait */
  ask(request: string): Promise<string> {
    const reply = this.#answer(request);
    assert(reply instanceof Promise, `${request} does not have to wait`);
    return reply;
  }

  #answer(request: string): string | Promise<string> {
    this.#reader.add(Buffer.from(`b ${request} `));
    return this.#session.answer(this.#reader.next() as RemoteioRequest);
  }

  leave(): void {
    this.#session.end();
  }

  /** It sends no more, and reads what it is still told. */
  finish(): void {
    this.#session.waitNoMore();
  }
}

function scene({ mode, ...options }: WorldOptions & { readonly mode?: Mode } = {}): { readonly world: World; readonly speaker: Speaker } {
  const world = new World(options);
  return { world, speaker: new Speaker(world, mode) };
}

describe("a pin of remoteio's", () => {
  test("is an output by its number on the header, off at first, with the PWM of gpiozero's", () => {
    const { world, speaker } = scene();
    expect(speaker.say("11 create 0 0.0 0.0")).toEqual(["!"]);
    expect(world.shown("GPIO17")).toMatchObject({ state: "idle", mode: "wait", settings: { frequencyHz: 100, closeLevel: "off" } });
  });

  test("does what each command says, for its time or until the next", () => {
    const commands: Readonly<Record<string, object>> = {
      "on 0 0.0 0.0": { state: "on", level: 1 },
      "off 0 0.0 0.0": { state: "idle", level: 0 },
      "toggle 0 0.0 0.0": { state: "on", level: 1 },
      "value 0 0.25 0.0": { state: "on", value: 0.25 },
      "blink 0 1.0 1.0": { state: "blinking" },
      "pulse 0 0.0 0.0": { state: "pulsing" },
      "on 2.5e3 0.0 0.0": { state: "on" },
    };
    const { world, speaker } = scene();
    speaker.say("11 create 0 0.0 0.0");
    for (const [command, shown] of Object.entries(commands)) {
      expect(speaker.say(`11 ${command}`)).toEqual([QUEUED]);
      expect(world.shown("GPIO17")).toMatchObject(shown);
    }
  });

  test("is on for the whole of two impulses in a row: remoteio's own server puts an off between them", async () => {
    const { world, speaker } = scene();
    speaker.say("11 create 0 0 0", "11 on 30 0 0", "11 on 20 0 0");
    await world.pass(100);
    expect(world.wire("GPIO17").timesOn.map(({ fromMs, untilMs }) => untilMs - fromMs)).toEqual([50]);
  });

  test("takes what its client leaves unsaid: arguments that a command has no use for are not looked at", () => {
    const { speaker } = scene();
    speaker.say("11 create None - -");
    expect(speaker.say("11 on 0 nan x")).toEqual([QUEUED]);
  });

  test("that is full makes its client wait for room, and nobody else", async () => {
    const { world, speaker } = scene({ limits: { queuedCommands: 2 } });
    const other = new Speaker(world);
    other.say("13 create 0 0 0");
    speaker.say("11 create 0 0 0");
    expect(speaker.say("11 on 10 0 0", "11 on 10 0 0", "11 on 10 0 0")).toEqual([QUEUED, QUEUED, QUEUED]);
    let told: string | null = null;
    void speaker.ask("11 off 10 0 0").then((reply) => {
      told = reply;
    });
    await world.pass(9);
    expect(told).toBeNull();
    expect(other.say("13 on 0 0 0")).toEqual([QUEUED]);
    await world.pass(1);
    expect(told as string | null).toBe(QUEUED);
    expect(world.shown("GPIO17")).toMatchObject({ queued: 2 });
    expect(world.supervisor.status().clients.map(({ subscriptions }) => subscriptions)).toEqual([0, 0]);
  });

  test("that is full refuses what its client has left behind, and takes what there is room for", async () => {
    const { world, speaker } = scene({ limits: { queuedCommands: 1 } });
    speaker.say("11 create 0 0 0", "13 create 0 0 0", "11 on 10 0 0", "11 off 10 0 0");
    const late = speaker.ask("11 on 10 0 0");
    speaker.finish();
    expect(await late).toStartWith("? 11 on refused: LIMIT_QUEUE: ");
    expect(speaker.say("11 on 10 0 0")[0]).toStartWith("? 11 on refused: LIMIT_QUEUE: ");
    expect(speaker.say("13 on 5 0 0")).toEqual([QUEUED]);
    await world.pass(20);
    expect(world.supervisor.status().counters).toMatchObject({ accepted: 3, done: 3 });
  });

  test("whose client goes while it waits for room does what it has accepted, and no more", async () => {
    const { world, speaker } = scene({ limits: { queuedCommands: 1 } });
    speaker.say("11 create 0 0 0", "11 on 10 0 0", "11 off 10 0 0");
    const late = speaker.ask("11 on 10 0 0");
    speaker.leave();
    await world.pass(15);
    expect(await late).toStartWith("? 11 on refused: DISCONNECTED");
    expect(world.shown("GPIO17")).toMatchObject({ state: "closing" });
    await world.pass(10);
    expect(world.shown("GPIO17")).toBeUndefined();
  });
});

describe("closing", () => {
  test("lets a pin do in mode wait what it has accepted; what comes after is ignored, and its client told so", async () => {
    const { world, speaker } = scene();
    speaker.say("11 create 0 0 0", "11 on 30 0 0", "11 close 0 0 0");
    expect(speaker.say("11 off 0 0 0")).toEqual(["? command ignored: off"]);
    expect(speaker.say("11 close 0 0 0")).toEqual(["? command ignored: close"]);
    await world.pass(29);
    expect(world.shown("GPIO17")).toMatchObject({ state: "closing" });
    await world.pass(1);
    expect(world.shown("GPIO17")).toBeUndefined();
  });

  test("takes the place of what runs in mode nowait, as any command does there", () => {
    const { world, speaker } = scene({ mode: "nowait" });
    speaker.say("11 create 0 0 0", "11 on 30 0 0", "11 close 0 0 0");
    expect(world.shown("GPIO17")).toBeUndefined();
  });

  test("a pin that is just closing is waited for; one that takes longer is refused, with how long it takes", async () => {
    const { world, speaker } = scene();
    speaker.say("11 create 0 0 0", "11 on 1500 0 0");
    speaker.leave();
    const [impatient, patient] = [new Speaker(world), new Speaker(world)];
    const first = impatient.ask("11 create 0 0 0");
    await world.pass(1000);
    expect(await first).toStartWith("? 11 Led creation failure: PIN_CLOSING: GPIO17 is closing; what it still has to do takes 500 ms");
    const second = patient.ask("11 create 0 0 0");
    await world.pass(1000);
    expect(await second).toBe("!");
  });

  test("a pin whose client has gone ends its endless command, and runs one that has an end", async () => {
    const { world, speaker } = scene({ mode: "nowait" });
    speaker.say("11 create 0 0 0", "13 create 0 0 0", "11 blink 0 1 1", "13 blink 2500 1 1");
    speaker.leave();
    expect(world.supervisor.status().pins.map(({ pin, state }) => [pin, state])).toEqual([["GPIO27", "closing"]]);
    await world.pass(2500);
    expect(world.supervisor.status().pins).toEqual([]);
  });
});

describe("what can't be done is said, and changes nothing", () => {
  const refusals: Readonly<Record<string, string>> = {
    "13 on 0 0 0": "? command ignored: on",
    "11 create 0 0 0": "? 11 Led creation failure: PIN_ALREADY_OPEN",
    "1 create 0 0 0": "? 1 Led creation failure: PIN_UNKNOWN: BOARD1 is a 3V3 power pin",
    "41 create 0 0 0": "? 41 Led creation failure: PIN_UNKNOWN: there is no BOARD41",
    "11+BOARD13 create 0 0 0": "? 11+BOARD13 Led creation failure: BAD_FIELD: pin must be a number",
    "__import__('os') create 0 0 0": "? __import__('os') Led creation failure: BAD_FIELD",
    "1e1 create 0 0 0": "? 1e1 Led creation failure: BAD_FIELD",
    "11 explode 0 0 0": "? 11 explode refused: UNKNOWN_OP",
    "11 constructor 0 0 0": "? 11 constructor refused: UNKNOWN_OP",
    "11 \x1b[2J 0 0 0": "? 11 ?[2J refused: UNKNOWN_OP",
    "11 on -1 0 0": "? 11 on refused: BAD_FIELD: time_ms must be at least 0.001",
    "11 on 1e309 0 0": "? 11 on refused: BAD_FIELD: time_ms",
    "11 on 1e15 0 0": "? 11 on refused: BAD_FIELD: time_ms must be at most",
    "11 on nan 0 0": "? 11 on refused: BAD_FIELD: time_ms must be a decimal number",
    "11 on 0x10 0 0": "? 11 on refused: BAD_FIELD: time_ms must be a decimal number",
    "11 on 1+1 0 0": "? 11 on refused: BAD_FIELD: time_ms must be a decimal number",
    "11 on  0 0": "? 11 on refused: BAD_FIELD: time_ms must be a decimal number",
    "11 value 0 1.5 0": "? 11 value refused: BAD_FIELD: arg1 must be at most 1",
    "11 value 0 -0.1 0": "? 11 value refused: BAD_FIELD: arg1 must be at least 0",
    "11 blink 0 0 1": "? 11 blink refused: BAD_FIELD: arg1 (in ms) must be at least 0.001",
    "11 blink 0 1 inf": "? 11 blink refused: BAD_FIELD: arg2 must be a decimal number",
    "11 blink 0 1 1e300": "? 11 blink refused: BAD_FIELD: arg2 (in ms) must be at most 315360000000",
  };
  for (const [words, reply] of Object.entries(refusals)) {
    test(JSON.stringify(words), () => {
      const { world, speaker } = scene();
      speaker.say("11 create 0 0 0");
      speaker.say("11 value 0 0.5 0");
      expect(speaker.say(words)[0]).toStartWith(reply);
      expect(world.supervisor.status().pins).toMatchObject([{ pin: "GPIO17", value: 0.5, command: 1 }]);
      expect(world.defects).toEqual([]);
    });
  }

  test("a pin by the number of its GPIO: the client is to know the header", () => {
    const { world } = scene();
    const session = new Session(world.supervisor, peer, "wait");
    const request = { numbering: "g", pin: "17", command: "create", timeMs: "0", arg1: "0", arg2: "0" };
    expect(session.answer(request)).toStartWith("? 17 Led creation failure: BAD_FIELD: numbering must be b");
  });

  test("a pin that somebody else holds, with who that is", () => {
    const { world, speaker } = scene();
    world.join("conveyor").ask({ op: "open", pin: "GPIO17", direction: "out" });
    expect(speaker.say("11 create 0 0 0")[0]).toStartWith('? 11 Led creation failure: PIN_BUSY: GPIO17 is held by "conveyor"');
  });

  test("a pin that the command line has left as it is, for it is set otherwise", () => {
    const { world, speaker } = scene();
    const shell = world.join("holdfast on");
    shell.ask({ op: "open", pin: "GPIO17", direction: "out", onDisconnect: "stay" });
    shell.ask({ op: "on", pin: "GPIO17" });
    shell.leave();
    expect(speaker.say("11 create 0 0 0")[0]).toStartWith("? 11 Led creation failure: PIN_CONFLICT: ");
    expect(world.shown("GPIO17")).toMatchObject({ state: "on", unowned: true });
  });

  test("closing more pins than may be waited for: the pin is still its client's", async () => {
    const { world, speaker } = scene({ limits: { pendingRequests: 1 } });
    speaker.say("11 create 0 0 0", "13 create 0 0 0", "11 on 10 0 0", "11 close 0 0 0");
    expect(speaker.say("13 close 0 0 0")[0]).toStartWith("? 13 close refused: LIMIT_PENDING: ");
    expect(speaker.say("13 on 0 0 0")).toEqual([QUEUED]);
    await world.pass(10);
    expect(speaker.say("13 close 0 0 0")).toEqual([QUEUED]);
  });

  test("a command for a pin whose chip has gone", () => {
    const { world, speaker } = scene();
    speaker.say("11 create 0 0 0");
    world.sim.removeChip("sim:0");
    expect(speaker.say("11 on 0 0 0")[0]).toStartWith("? 11 on refused: ");
    expect(speaker.say("11 close 0 0 0")).toEqual([QUEUED]);
  });
});
