import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Command } from "commander";
import { fullName } from "../../src/cli/full-name.ts";
import { createProgram } from "../../src/cli/program.ts";
import { eventually, story } from "./processes.ts";
import { Shell, shellStory } from "./shell.ts";

const { version } = JSON.parse(readFileSync(join(import.meta.dir, "..", "..", "package.json"), "utf8"));

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** A test without a supervisor. */
function alone(name: string, tell: (shell: Shell) => Promise<void>): void {
  story(name, async (stage) => {
    await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
    await tell(shell);
  });
}

/** The commands, by the one that they are below. */
const commands = {
  "":
    "actors ask blink close doctor graph inspect observe off on pattern pins pub pulse read reload send serve status " +
    "sub toggle token topics trace value watch write",
  actor: "list restart start stop",
  camera: "fps list pause preview resume save snapshot start status stop",
  config: "schema",
  frames: "bench send tap",
  pool: "create list remove",
  process: "list restart start stop",
  sim: "set wire",
};

describe("help", () => {
  test("every command that the issues name is there", () => {
    const named = Object.entries(commands).flatMap(([group, names]) => [group, ...names.split(" ").map((name) => `${group} ${name}`)]);
    const expected = named.map((words) => `holdfast ${words.trim()}`.trim());
    expect(everyCommand(createProgram()).map(fullName).sort()).toEqual(expected.sort());
  });

  for (const name of everyCommand(createProgram()).map(fullName)) {
    alone(`${name} --help says what it does, with examples`, async (shell) => {
      const { status, out, err } = await shell.run(...name.split(" ").slice(1), "--help");
      expect({ status, err }).toEqual({ status: 0, err: "" });
      // Behind a command that has another name that stands too.
      expect(out.replace(/^(Usage: [^[]*?)\|\w+/, "$1")).toStartWith(`Usage: ${name} `);
      expect(out.slice(out.indexOf("\nExamples:\n"))).toMatch(new RegExp(`^ .*holdfast ${name.slice("holdfast ".length)}`, "m"));
      expect(out.split("--socket <path>")).toHaveLength(2);
    });
  }

  alone("holdfast alone is answered with its help", async (shell) => {
    expect(await shell.run()).toEqual({ status: 0, out: expect.stringContaining("Usage: holdfast"), err: "" });
  });

  alone("--version", async (shell) => {
    expect(await shell.run("--version")).toEqual({ status: 0, out: `holdfast ${version}\n`, err: "" });
  });
});

describe("misuse has exit status 2, says what is wrong and how it is used", () => {
  const wrong: [line: string, complaint: string, usage: string][] = [
    ["on", "error: missing required argument 'pin'", "Usage: holdfast on [options] <pin>"],
    ["on 17 27", "error: too many arguments", "Usage: holdfast on [options] <pin>"],
    ["on 17 --for 3", "It needs a unit: 3ms or 3s?", "Usage: holdfast on"],
    ["on 17 --for soon", "A duration is written 250ms", "Usage: holdfast on"],
    ["on 17 --started --done", "cannot be used with", "Usage: holdfast on"],
    ["on 17 --done", "--done would wait until somebody else commands the pin: on has no end of its own; say --for", "Usage: holdfast on"],
    ["off 17 --done", "off has no end of its own; say --for", "Usage: holdfast off"],
    ["on 17 --queue --done", "on has no end of its own; say --for", "Usage: holdfast on"],
    ["on 17 --max-on 3s --done", "(--max-on would cut it short, which is no end of its own); say --for", "Usage: holdfast on"],
    ["blink 17 --done", "say --for or -n", "Usage: holdfast blink"],
    ["on 17 --bias sideways", "Allowed choices are as-is, disabled, pull-up, pull-down", "Usage: holdfast on"],
    ["on 17 --initial 2", "A level is 0 or 1.", "Usage: holdfast on"],
    ["on 17 --quue", "(Did you mean --queue?)", "Usage: holdfast on"],
    ["value 17", "error: missing required argument 'duty'", "Usage: holdfast value [options] <pin> <duty>"],
    ["value 17 1.5", "A duty is a number from 0 to 1", "Usage: holdfast value"],
    ["value 17 -0.5", "A duty is a number from 0 to 1", "Usage: holdfast value"],
    ["value 17 101%", "A duty is a number from 0 to 1", "Usage: holdfast value"],
    ["blink 17 -n 0", "It must be a whole number from 1 to 1000000000.", "Usage: holdfast blink"],
    ["blink 17 -n 2.5", "It must be a whole number", "Usage: holdfast blink"],
    ["pattern 17", "error: missing required argument 'step'", "Usage: holdfast pattern [options] <pin> <step...>"],
    ["pattern 17 1:100ms 2:100ms", "A step is LEVEL:DURATION, such as 1:100ms.", "Usage: holdfast pattern"],
    ["pattern 17 1:100", "It needs a unit", "Usage: holdfast pattern"],
    ["watch", "error: missing required argument 'pin'", "Usage: holdfast watch [options] <pin...>"],
    ["watch 4 --debounce 2h", "It must be 71 minutes or shorter.", "Usage: holdfast watch"],
    ["watch 4 --state --edge rising", "cannot be used with", "Usage: holdfast watch"],
    ["sim set 4 2", "A wire is driven to 0 or 1, or left free.", "Usage: holdfast sim set [options] <pin> <level>"],
    ["serve --backend real", "Allowed choices are auto, chardev, sim", "Usage: holdfast serve"],
    ["serve --limit clients", "It is written NAME=VALUE", "Usage: holdfast serve"],
    ["serve --limit friends=3", "the name one of messageBytes", "Usage: holdfast serve"],
    ["blnk 17", "error: unknown command 'blnk'\n(Did you mean blink?)", "Usage: holdfast [options] [command]"],
    ["--sokcet x", "(Did you mean --socket?)", "Usage: holdfast [options] [command]"],
  ];
  for (const [line, complaint, usage] of wrong) {
    alone(`holdfast ${line}`, async (shell) => {
      const { status, out, err } = await shell.run(...line.split(" "));
      expect({ status, out }).toEqual({ status: 2, out: "" });
      expect(err).toContain(complaint);
      expect(err).toContain(usage);
      expect(err).toMatch(/^ {2}More: holdfast.* --help$/m);
    });
  }
});

describe("what is refused has exit status 1, a code, a sentence and a remedy", () => {
  alone("no supervisor", async (shell) => {
    expect(await shell.run("on", "17")).toEqual({
      status: 1,
      out: "",
      err:
        `NOT_RUNNING: no supervisor answers on ${shell.environment["HOLDFAST_SOCKET"]}: there is no such socket.\n` +
        "  Start one: holdfast serve; if it serves another socket, name that: --socket PATH, or HOLDFAST_SOCKET\n",
    });
  });

  shellStory("a pin that another holds", async (shell, stage) => {
    const conveyor = await stage.connect({ name: "conveyor" });
    await conveyor.output(17);
    const refusals: [args: string[], remedy: string][] = [
      [["on", "BOARD11"], "To share it, both must open it with --share; to see who holds what: holdfast pins"],
      [["close", "17"], "Only its holders can close it; to see who holds what: holdfast pins"],
      [["watch", "17"], "To see what an output does: holdfast watch --state GPIO17"],
    ];
    for (const [args, remedy] of refusals) {
      const { status, out, err } = await shell.run(...args);
      const [busy, told] = err.split("\n");
      expect({ status, out, told }).toEqual({ status: 1, out: "", told: `  ${remedy}` });
      // A slow machine takes a second for a command.
      expect(busy).toMatch(new RegExp(`^PIN_BUSY: GPIO17 is held by "conveyor" \\(pid ${process.pid}\\) (just now|for \\d+ s)\\.$`));
    }
  });

  shellStory("other settings than those the pin is open with", async (shell) => {
    await shell.ok("on", "17", "--bias", "pull-up");
    expect(await shell.run("off", "17", "--bias", "pull-down")).toEqual({
      status: 1,
      out: "",
      err: "PIN_CONFLICT: GPIO17 is open with bias pull-up, not pull-down.\n  To set it anew, close it first: holdfast close GPIO17\n",
    });
    expect((await shell.run("watch", "17")).err).toBe(
      "PIN_CONFLICT: GPIO17 is open with direction out, not in.\n" +
        "  To see what an output does: holdfast watch --state GPIO17; to make it an input, close it first: holdfast close GPIO17\n",
    );
    expect(await shell.ok("read", "17")).toBe("1\n");
    await shell.ok("close", "17");
    await shell.ok("off", "17", "--bias", "pull-down");
  });

  shellStory("and who asks for other settings than another's is not told to close that one's pin", async (shell, stage) => {
    const conveyor = await stage.connect({ name: "conveyor" });
    await conveyor.input(4, { bias: "pull-up" });
    await conveyor.output("17+27");
    expect((await shell.run("watch", "4", "--bias", "pull-down")).err).toEndWith(
      "\n  To set it anew, its holders must close it first: holdfast pins\n",
    );
    expect((await shell.run("on", "17")).err).toEndWith("in one group. Only its holders can end that: holdfast pins\n");
  });

  shellStory("a pin that is closing", async (shell) => {
    await shell.ok("on", "17", "--for", "1h", "--on-disconnect", "close");
    const { status, err } = await shell.run("on", "17");
    expect(status).toBe(1);
    expect(err).toMatch(/^PIN_CLOSING: GPIO17 is closing; what it still has to do takes \d+ ms\.\n/);
    expect(err).toEndWith("  To wait for it: --wait-closing 10s. To end it at once: holdfast close --hard GPIO17\n");
    await shell.ok("close", "--hard", "17");
    await shell.ok("on", "17", "--wait-closing", "10s");
  });

  shellStory("a pin that another is closing, who alone can end that", async (shell, stage) => {
    const conveyor = await stage.connect({ name: "conveyor" });
    const pin = await conveyor.output(17);
    await pin.on({ durationMs: 3_600_000 });
    const closing = pin.close();
    await shell.eventually("GPIO17", "is closing", ({ state }) => state === "closing");
    const { status, err } = await shell.run("close", "17", "--hard");
    expect(status).toBe(1);
    expect(err).toStartWith(`PIN_CLOSING: GPIO17 is closing for "conveyor" (pid ${process.pid}); what it still has to do takes `);
    expect(err).toEndWith(" ms.\n  Only who has closed it can end it at once.\n");
    await pin.close({ hard: true });
    await closing;
  });

  const refused: [line: string, code: string, remedy: string][] = [
    ["on 71", 'PIN_UNKNOWN: no line is called "71"; did you mean 1, 7, 11?', "Every pin of this machine: holdfast pins"],
    ["close 17", "PIN_NOT_OPEN: GPIO17 is not open.", "What is open: holdfast pins --open"],
    ["watch 4 BOARD7", "PIN_ALREADY_OPEN: ", "Name each pin once; two names may mean the same one: holdfast pins"],
  ];
  for (const [line, code, remedy] of refused) {
    shellStory(`holdfast ${line}`, async (shell) => {
      const { status, out, err } = await shell.run(...line.split(" "));
      expect({ status, out }).toEqual({ status: 1, out: "" });
      expect(err).toStartWith(code);
      expect(err).toEndWith(`\n  ${remedy}\n`);
    });
  }

  shellStory("but 2 when it is a mistake in what was typed", async (shell) => {
    const { status, out, err } = await shell.run(..."blink 17 --on 1us --off 1us".split(" "));
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toStartWith("BAD_FIELD: --on: makes a cycle of 0.002 ms");
    expect(err).toEndWith("\n  How it is written: holdfast blink --help\n");
  });

  alone("a socket's path that no socket can have", async (shell) => {
    const { status, err } = await shell.run("--socket", `/tmp/${"x".repeat(103)}`, "status");
    expect(status).toBe(1);
    expect(err).toMatch(/^SOCKET_PATH: a socket's path has 1 to 107 bytes: .*\n {2}Choose another: --socket PATH, or HOLDFAST_SOCKET\n$/);
  });
});

describe("the socket", () => {
  shellStory("is named before or after the command, and that counts more than the environment", async (shell, { socket }) => {
    const elsewhere = { ...shell.environment, HOLDFAST_SOCKET: `${socket}.none` };
    await using other = new Shell(shell.folder, elsewhere);
    expect((await other.run("read", "4")).status).toBe(1);
    expect(await other.ok("--socket", socket, "read", "4")).toBe("0\n");
    expect(await other.ok("read", "4", "--socket", socket)).toBe("0\n");
    expect(await other.ok("sim", "set", "4", "1", "--socket", socket)).toBe("");
    expect(await other.ok("sim", "--socket", socket, "set", "4", "0")).toBe("");
  });
});

describe("status and doctor", () => {
  shellStory("status shows the supervisor, its clients and its open pins", async (shell, { socket }, supervisor) => {
    await shell.ok("on", "17");
    const out = await shell.ok("status");
    expect(out).toStartWith(`holdfast ${version}, pid ${supervisor.pid}, running for `);
    expect(out).toContain(`simulated chips, socket ${socket}\n`);
    expect(out).toMatch(/^\d+ +holdfast status +\d+ /m);
    expect(out).toMatch(/^GPIO17 .* on +1 +- +- +nobody$/m);
    expect(JSON.parse(await shell.ok("status", "--json"))).toMatchObject({
      socket,
      state: "running",
      version,
      pid: supervisor.pid,
      backend: "sim",
      counters: { accepted: 1 },
      clients: [{ name: "holdfast status", transport: "unix", uid: process.getuid?.() }],
      pins: [{ pin: "GPIO17", state: "on", level: 1, unowned: true }],
    });
  });

  shellStory("the doctor finds a supervisor", async (shell, { socket }, { pid }) => {
    const { findings } = JSON.parse((await shell.run("doctor", "--json")).out);
    expect(findings).toContainEqual({
      subject: "socket",
      verdict: "ok",
      finding: `${socket}: holdfast ${version} (pid ${pid}) answers, with simulated chips`,
    });
    expect(findings.map(({ subject }: { subject: string }) => subject)).toEqual(
      expect.arrayContaining(["executable", "kernel", "environment"]),
    );
    expect(await shell.ok("doctor")).toMatch(/^ok {4}socket: /m);
  });

  shellStory("the doctor warns of one that is about to end", async (shell, { socket }, supervisor) => {
    await shell.ok("on", "17", "--for", "1h");
    supervisor.kill("SIGTERM");
    await eventually("it drains", async () => (await shell.status()).state === "draining");
    const { status, out } = await shell.run("doctor");
    expect(status).toBe(0);
    expect(out).toContain(`\nwarn  socket: ${socket}: holdfast ${version} (pid ${supervisor.pid}) is draining, and opens no more pins\n`);
    await shell.ok("close", "17", "--hard");
  });

  alone("the doctor misses a supervisor, which is no fault", async (shell) => {
    const out = await shell.ok("doctor");
    expect(out).toMatch(/^warn {2}socket: no supervisor answers on .*\n {6}Start one: holdfast serve; /m);
  });

  alone("the doctor finds what serves the socket and does not answer: exit status 1", async (shell) => {
    const server = createServer().listen(shell.environment["HOLDFAST_SOCKET"]);
    try {
      const { status, out, err } = await shell.run("doctor");
      expect({ status, err }).toEqual({ status: 1, err: "" });
      expect(out).toMatch(/^fail {2}socket: DISCONNECTED: .*\n {6}It is stopped, or hangs, /m);
    } finally {
      server.close();
    }
  });

  alone("the doctor names variables that change the executable", async (shell) => {
    await using odd = new Shell(shell.folder, { ...shell.environment, BUN_OPTIONS: "--smol" });
    expect(await odd.ok("doctor")).toMatch(/^warn {2}environment: BUN_OPTIONS changes .*\n {6}unset BUN_OPTIONS$/m);
  });
});
