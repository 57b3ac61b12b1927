import { describe, expect } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { eventually, executable, story } from "./processes.ts";
import { Shell, shellStory } from "./shell.ts";

/** What a supervisor has logged. */
function logOf(text: string): { level: string; msg: string; [field: string]: unknown }[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

shellStory("serve says when it is ready: on which socket, with which chips", async (_, { socket }, supervisor) => {
  expect(logOf(supervisor.errors)).toEqual([
    expect.objectContaining({
      level: "info",
      msg: "ready",
      socket,
      backend: "sim",
      chips: [{ label: "holdfast-sim", path: "sim:0", lines: 28 }],
      pid: supervisor.pid,
    }),
  ]);
});

describe("the end of a supervisor", () => {
  shellStory(
    "SIGTERM lets every pin run what was accepted; then the socket is gone, and the exit status 0",
    async (shell, stage, supervisor) => {
      const client = await stage.connect();
      const blink = shell.start(..."blink 17 --on 10ms --off 40ms -n 40 --done".split(" "));
      await eventually("GPIO17 blinks", async () => (await client.read("GPIO17")).state === "blinking");
      supervisor.kill("SIGTERM");
      expect(await blink.ended).toEqual({ status: 0, out: "", err: "" });
      expect(await supervisor.ended()).toBe(0);
      expect(existsSync(stage.socket)).toBe(false);
      expect(logOf(supervisor.errors).at(-1)).toMatchObject({ level: "info", msg: "stopped" });
    },
  );

  shellStory("a second signal ends it at once", async (shell, { socket }, supervisor) => {
    const on = shell.start(..."on 17 --for 1h --done".split(" "));
    await shell.eventually("GPIO17", "is on", ({ state }) => state === "on");
    supervisor.kill("SIGINT");
    await shell.eventually("GPIO17", "is closing", ({ state }) => state === "closing");
    supervisor.kill("SIGTERM");
    expect(await on.ended).toEqual({
      status: 1,
      out: "",
      err: "CANCELLED: GPIO17: on has ended before its time: the pin was closed at once.\n",
    });
    expect(await supervisor.ended()).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  shellStory(
    "--drain-timeout bounds a soft end",
    async (shell, _, supervisor) => {
      await shell.ok("on", "17", "--for", "1h");
      supervisor.kill("SIGINT");
      expect(await supervisor.ended()).toBe(0);
    },
    "--drain-timeout",
    "100ms",
  );
});

story("a defect ends the supervisor with exit status 1, after its lines have been given back", async ({ folder, socket }) => {
  writeFileSync(`${folder}/defect.js`, 'process.on("SIGUSR2", () => void Promise.reject(new Error("planted")));');
  await using shell = new Shell(folder, { HOLDFAST_SOCKET: socket, BUN_OPTIONS: `--preload ${folder}/defect.js` });
  const serve = shell.start("serve", "--backend", "sim");
  await eventually("it serves", async () => (await shell.run("on", "17", "--for", "1h")).status === 0);
  const on = shell.start("on", "17", "--queue", "--done", "--for", "1h");
  await shell.eventually("GPIO17", "has a queue", ({ queued }) => queued === 1);
  serve.kill("SIGUSR2");
  expect(await on.ended).toMatchObject({ status: 1, err: expect.stringContaining("the pin was closed at once") });
  const { status, err } = await serve.ended;
  expect(status).toBe(1);
  expect(logOf(err)).toContainEqual(
    expect.objectContaining({ level: "error", err: expect.objectContaining({ type: "Error", message: "planted" }) }),
  );
  expect(existsSync(socket)).toBe(false);
});

shellStory("who waits for a supervisor that has been stopped is told so, and goes on waiting", async (shell, stage, supervisor) => {
  const client = await stage.connect();
  const on = shell.start("on", "17", "--for", "3s", "--done");
  await eventually("GPIO17 is on", async () => (await client.read("GPIO17")).level === 1);
  supervisor.kill("SIGSTOP");
  try {
    await eventually("it says that nobody answers", () => on.err !== "");
  } finally {
    supervisor.kill("SIGCONT");
  }
  const { status, err } = await on.ended;
  expect(status).toBe(0);
  expect(err).toMatch(/^holdfast: what serves .* does not answer any more: it is stopped, or hangs\. Still waiting for it\.\n$/);
});

describe("a supervisor that cannot serve", () => {
  shellStory("another serves the socket already", async (shell, { socket }) => {
    expect(await shell.run("serve", "--backend", "sim")).toEqual({
      status: 1,
      out: "",
      err: `ALREADY_RUNNING: another supervisor serves ${socket}.\n  Use that one, or serve on another socket: holdfast serve --socket PATH\n`,
    });
    await shell.ok("on", "17");
  });

  story("the path of the socket is too long", async ({ folder }) => {
    await using shell = new Shell(folder, {});
    const { status, err } = await shell.run("serve", "--backend", "sim", "--socket", `${folder}/${"x".repeat(108)}`);
    expect(status).toBe(1);
    expect(err).toMatch(/^SOCKET_PATH: .*\n {2}Choose another: --socket PATH, or HOLDFAST_SOCKET\n$/);
  });

  story("there are no chips, and it was told to use them", async ({ folder, socket }) => {
    if (readdirSync("/dev").some((name) => name.startsWith("gpiochip"))) return;
    await using shell = new Shell(folder, { HOLDFAST_SOCKET: socket });
    expect(await shell.run("serve", "--backend", "chardev")).toEqual({
      status: 1,
      out: "",
      err:
        "NO_BACKEND: this machine has no GPIO chip: there is no /dev/gpiochip*.\n" +
        "  To try it on simulated pins: holdfast serve --backend sim; to see what is wrong: holdfast doctor\n",
    });
    expect(existsSync(socket)).toBe(false);
  });
});

story("a supervisor goes on when nobody reads its log any more", async ({ folder, socket }) => {
  await using shell = new Shell(folder, { HOLDFAST_SOCKET: socket });
  const serve = shell.startAs(["bash", "-c", `exec "${executable}" serve --backend sim --log-level debug 2> >(head -n 1)`]);
  await serve.printed(1);
  await shell.ok("on", "17");
  await shell.ok("off", "17");
  expect(JSON.parse(await shell.ok("status", "--json"))).toMatchObject({ pid: serve.pid, counters: { accepted: 2 } });
  serve.kill("SIGTERM");
  expect((await serve.ended).status).toBe(0);
});

story("simulated pins need no call of the kernel: they work without the runtime's JIT", async ({ folder, socket }) => {
  await using shell = new Shell(folder, { HOLDFAST_SOCKET: socket, BUN_JSC_useJIT: "0" });
  const serve = shell.start("serve", "--backend", "sim");
  await eventually("it serves", async () => (await shell.run("on", "17")).status === 0);
  const { clients, uptimeMs } = await shell.status();
  expect(clients).toMatchObject([{ name: "holdfast status", pid: null, uid: null }]);
  expect(uptimeMs).toBeGreaterThan(0);
  expect((await shell.run("doctor")).out).toMatch(
    /^fail {2}chips: The kernel cannot be reached through libc: .*\n {6}.*BUN_JSC_useJIT=0$/m,
  );
  serve.kill("SIGTERM");
  expect((await serve.ended).status).toBe(0);
});

shellStory(
  "what a limit refuses says how to raise it",
  async (shell) => {
    await shell.ok("on", "17", "--for", "1h");
    await shell.ok("off", "17", "--queue");
    const { status, err } = await shell.run("on", "17", "--queue");
    expect(status).toBe(1);
    expect(err).toStartWith("LIMIT_QUEUE: a pin may have 1 queued commands.\n");
    expect(err).toEndWith("to allow more: holdfast serve --limit queuedCommands=4096\n");
  },
  "--limit",
  "queuedCommands=1",
);
