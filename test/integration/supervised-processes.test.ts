import { expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signalGroup } from "../../src/processes/process-group.ts";
import { eventually, executable, type ServeProcess, type Stage, story } from "./processes.ts";
import { Shell } from "./shell.ts";

interface Entry {
  readonly level: string;
  readonly msg: string;
  readonly process?: string;
  readonly stream?: string;
  readonly pid?: number;
}

/** Starts a supervisor with this configuration, and a shell beside it. */
async function serve(stage: Stage, config: string, ...args: readonly string[]): Promise<{ supervisor: ServeProcess; shell: Shell }> {
  writeFileSync(join(stage.folder, "holdfast.toml"), config);
  const supervisor = await stage.serve("--config", join(stage.folder, "holdfast.toml"), ...args);
  const shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  stage.resources.defer(() => void shell[Symbol.asyncDispose]());
  stage.resources.defer(() => {
    for (const { msg, pid } of entries(supervisor)) if (msg === "process started" && pid !== undefined) signalGroup(pid, "SIGKILL");
  });
  return { supervisor, shell };
}

function entries({ errors }: ServeProcess): Entry[] {
  return errors.split("\n").flatMap((line) => (line.startsWith("{") && line.endsWith("}") ? [JSON.parse(line)] : []));
}

/** What a process has written. */
function written(supervisor: ServeProcess, process: string): readonly string[] {
  return entries(supervisor).flatMap((entry) => (entry.process === process && entry.stream !== undefined ? [entry.msg] : []));
}

/** Whether a process lives: one that has ended and that nobody has asked about does not. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Children of a process that have ended and that it has not asked about. */
function zombiesOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((child) => child !== "" && !lives(Number(child)));
}

/** The pids that a process has written as its first lines. */
async function pidsOf(supervisor: ServeProcess, process: string, lines: number): Promise<number[]> {
  await eventually(`${process} writes ${lines} lines`, () => written(supervisor, process).length >= lines);
  return written(supervisor, process).slice(0, lines).map(Number);
}

/** A process, and one that it has started, both deaf to SIGTERM. */
const deafFamily = `sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' & trap "" TERM; echo $$; while :; do sleep 1; done`;

story("what a process writes is in the log, by line and stream, and it reaches the supervisor that started it", async (stage) => {
  const script = `echo hello; echo oops >&2; printf 'no end'; echo "$HOLDFAST_PROCESS" >name; exec "$HOLDFAST" status --json >status.json`;
  const { supervisor } = await serve(
    stage,
    `[process.algo]
    command = ["sh", "-c", ${JSON.stringify(script)}]
    directory = ${JSON.stringify(stage.folder)}
    environment = { HOLDFAST = ${JSON.stringify(executable)} }
    `,
  );
  await eventually("it has ended", () => entries(supervisor).some(({ msg, process }) => msg === "process ended" && process === "algo"));
  await eventually("all is told", () => written(supervisor, "algo").length >= 3);
  const told = entries(supervisor).filter(({ process, stream }) => process === "algo" && stream !== undefined);
  expect(told.map(({ stream, msg }) => `${stream}: ${msg}`).sort()).toEqual(["stderr: oops", "stdout: hello", "stdout: no end"]);
  expect(new Set(told.map(({ pid }) => pid)).size).toBe(1);
  expect(readFileSync(join(stage.folder, "name"), "utf8")).toBe("algo\n");
  expect(JSON.parse(readFileSync(join(stage.folder, "status.json"), "utf8"))).toMatchObject({ socket: stage.socket, pid: supervisor.pid });
});

story("a process that crashes again and again is started so often, and then it has failed; nothing of it is left", async (stage) => {
  const { supervisor, shell } = await serve(
    stage,
    `[process.crash]
    command = ["sh", "-c", "echo $$; kill -SEGV $$"]
    backoffMs = 5
    restartLimit = 3
    `,
  );
  await eventually("it has failed", () => entries(supervisor).some(({ msg }) => msg === "process failed: it is not started again"));
  const { processes } = JSON.parse(await shell.ok("process", "list", "--json"));
  expect(processes).toMatchObject([
    { process: "crash", state: "failed", starts: 4, restarts: 3, end: { reason: "killed", signal: "SIGSEGV" } },
  ]);
  expect((await pidsOf(supervisor, "crash", 4)).filter(lives)).toEqual([]);
  expect(zombiesOf(supervisor.pid)).toEqual([]);
});

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  story(`after ${signal} of the supervisor no process is left, nor one that these have started`, async (stage) => {
    const { supervisor, shell } = await serve(
      stage,
      `[process.family]
      command = ["sh", "-c", ${JSON.stringify(deafFamily)}]
      graceMs = 100
      `,
    );
    const pids = await pidsOf(supervisor, "family", 2);
    expect(pids.filter(lives)).toEqual(pids);
    expect(await shell.ok("process")).toContain("running");
    const guards = readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, "utf8").trim().split(" ").map(Number);
    supervisor.kill(signal);
    await supervisor.ended();
    await eventually("all have ended", () => ![...pids, ...guards].some(lives));
  });
}

story("who kills the guard of processes finds another one in its place", async (stage) => {
  const { supervisor } = await serve(stage, `[process.family]\ncommand = ["sh", "-c", ${JSON.stringify(deafFamily)}]\n`);
  const pids = await pidsOf(supervisor, "family", 2);
  const children = () => readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, "utf8").trim().split(" ").map(Number);
  const guard = () => children().find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("holdfast-guard"));
  const first = guard() as number;
  process.kill(first, "SIGKILL");
  await eventually("there is another guard", () => guard() !== undefined && guard() !== first);
  supervisor.kill("SIGKILL");
  await supervisor.ended();
  await eventually("all have ended", () => !pids.some(lives));
});

story("stop ends who does not listen, and all that it has started, after its grace; start runs it again", async (stage) => {
  const { supervisor, shell } = await serve(
    stage,
    `[process.family]
    command = ["sh", "-c", ${JSON.stringify(deafFamily)}]
    graceMs = 150
    `,
  );
  const pids = await pidsOf(supervisor, "family", 2);
  const began = performance.now();
  await shell.ok("process", "stop", "family");
  expect(performance.now() - began).toBeGreaterThan(149);
  expect(pids.filter(lives)).toEqual([]);
  expect(await shell.ok("process")).toMatch(/family +stopped/);
  await shell.ok("process", "start", "family");
  await shell.ok("process", "restart", "family");
  const { processes } = await shell.status();
  expect(processes).toMatchObject([{ state: "running", starts: 3 }]);
  expect(lives(processes[0]?.pid as number)).toBe(true);
});

story("one that hangs is ended and started again", async (stage) => {
  const script = `"$HOLDFAST" status >/dev/null; echo $$; sleep 1000`;
  const { supervisor, shell } = await serve(
    stage,
    `[process.algo]
    command = ["sh", "-c", ${JSON.stringify(script)}]
    environment = { HOLDFAST = ${JSON.stringify(executable)} }
    heartbeatMs = 1500
    backoffMs = 5
    `,
  );
  const [first, second] = await pidsOf(supervisor, "algo", 2);
  expect(first).not.toBe(second);
  expect(lives(first as number)).toBe(false);
  expect(entries(supervisor).some(({ msg, process }) => process === "algo" && msg === "process hangs: it is ended")).toBe(true);
  expect(await shell.ok("process")).toContain("was silent for too long");
});

story("what can't be started is told, and keeps nothing else", async (stage) => {
  const { shell } = await serve(
    stage,
    `[process.missing]
    command = ["nobody-has-this", "-v"]
    [process.homeless]
    command = ["true"]
    directory = "/nowhere"
    [process.fine]
    command = ["sleep", "1000"]
    `,
  );
  const { status, err } = await shell.run("process", "start", "missing", "homeless", "fine", "fin");
  expect(status).toBe(1);
  expect(err).toContain('PROGRAM_MISSING: process missing: there is no program "nobody-has-this" in PATH');
  expect(err).toContain("PROGRAM_MISSING: process homeless: the folder /nowhere is not there");
  expect(err).toContain('PROCESS_UNKNOWN: there is no process "fin"; did you mean fine?');
  expect((await shell.status()).processes.map(({ state }) => state)).toEqual(["failed", "failed", "running"]);
});

story("SIGHUP brings processes that are new, and ends those that are gone", async (stage) => {
  const sleeper = (name: string) => `[process.${name}]\ncommand = ["sh", "-c", "echo $$; sleep 1000"]\n`;
  const { supervisor, shell } = await serve(stage, sleeper("old") + sleeper("same"));
  const [old] = await pidsOf(supervisor, "old", 1);
  const [same] = await pidsOf(supervisor, "same", 1);
  writeFileSync(join(stage.folder, "holdfast.toml"), sleeper("same") + sleeper("added"));
  supervisor.kill("SIGHUP");
  const [added] = await pidsOf(supervisor, "added", 1);
  await eventually("the old one has ended", () => !lives(old as number));
  expect([lives(same as number), lives(added as number)]).toEqual([true, true]);
  writeFileSync(join(stage.folder, "holdfast.toml"), `${sleeper("same")}after = ["nobody"]\n`);
  supervisor.kill("SIGHUP");
  await eventually("it is refused", () => entries(supervisor).some(({ msg }) => msg.startsWith("the configuration is refused")));
  expect(supervisor.errors).toContain("line 3: process.same.after: there is no process nobody");
  expect((await shell.status()).processes.map(({ process }) => process).sort()).toEqual(["added", "same"]);
});

story("a mistake in a table stops the start, and nothing runs", async (stage) => {
  const config = `[process.a]\ncommand = ["touch", "ran"]\nafter = ["b"]\n[process.b]\ncommand = ["true"]\nafter = ["a"]\n`;
  writeFileSync(join(stage.folder, "holdfast.toml"), config);
  const supervisor = stage.startServe(stage.socket, ["--config", join(stage.folder, "holdfast.toml")]);
  expect(await supervisor.ended()).toBe(1);
  expect(supervisor.errors).toContain("holdfast.toml, line 3: process.a.after: leads round in a circle: a after b after a");
  expect(existsSync(join(stage.folder, "ran"))).toBe(false);
});
