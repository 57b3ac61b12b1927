import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { executable, type Stage, story } from "./processes.ts";

interface Checked {
  readonly ok: boolean;
  readonly findings: readonly { readonly subject: string; readonly verdict: string; readonly finding: string }[];
}

/** What `serve --check` says of a file, and its exit status. */
async function check(
  stage: Stage,
  text: string,
  ...args: readonly string[]
): Promise<Checked & { readonly status: number; readonly file: string }> {
  const file = join(stage.folder, "checked.toml");
  writeFileSync(file, text);
  const { status, stdout } = await stage.run(
    executable,
    ...["--socket", stage.socket, "serve", "--backend", "sim", "--check", "--json", "--config", file, ...args],
  );
  return { status, file, ...JSON.parse(stdout) };
}

const of = ({ findings }: Checked, verdict: string) =>
  findings.filter((each) => each.verdict === verdict).map(({ subject, finding }) => `${subject}: ${finding}`);

story("serve --check says what a supervisor would do, and takes nothing", async (stage) => {
  const text = `frames.directory = "${stage.folder}"
[pin.GPIO17]
alias = "lamp"
maxOnMs = 50
[pin.PUMP]
[pool.cam0]
slots = 4
bytes = 1000
[process.algo]
command = ["sh", "-c", "exit"]
directory = "/tmp"
[process.missing]
command = ["nobody-has-this"]
[listen.remoteio]
port = 0
access = "guests"
[access.guests]
token = "sha256:${"0".repeat(64)}"
read = ["lamp"]
admin = true
`;
  const checked = await check(stage, text);
  expect(of(checked, "fail")).toEqual([]);
  expect(of(checked, "warn")).toEqual([
    expect.stringContaining("pin.PUMP: the configuration speaks of a pin that is not there now"),
    expect.stringContaining('process.missing: can\'t be started now: there is no program "nobody-has-this"'),
  ]);
  expect(of(checked, "ok")).toEqual([
    `configuration: ${checked.file} can be obeyed`,
    "pin.GPIO17: also called lamp, active for 50 ms at most",
    "access.guests: read lamp, admin",
    `pool.cam0: 4 slots of 1.0 kB in ${stage.folder}: 81.9 kB`,
    "process.algo: runs sh -c exit in /tmp",
    "listen.remoteio: 127.0.0.1, port of the kernel's choice",
  ]);
  expect([checked.status, checked.ok]).toEqual([0, true]);
  expect(await Array.fromAsync(new Bun.Glob("*").scan({ cwd: stage.folder }))).toEqual(["checked.toml"]);
});

story("it finds every mistake with its line, ends with 1, and the doctor finds the same", async (stage) => {
  const text = `[pin.GPIO17]
closeLevel = "on"
[pin.BOARD11]
[pin.GPIO71]
[limits]
maxOnMs = 50
[listen.pigpio]
address = "192.0.2.1"
insecure = true
[access.guests]
user = "nobody-of-that-name"
command = ["GPIO99"]
`;
  const checked = await check(stage, text);
  expect(checked.status).toBe(1);
  const at = (line: number) => expect.stringContaining(`${checked.file}, line ${line}: `);
  const mistakes = [expect.stringContaining("6 mistakes"), at(2), at(3), at(4), at(8), at(11), at(12)];
  expect(of(checked, "fail")).toEqual(mistakes);
  const { stdout } = await stage.run(executable, "--socket", stage.socket, "doctor", "--json", "--config", checked.file);
  expect(of(JSON.parse(stdout), "fail")).toEqual(expect.arrayContaining(mistakes));
});

story("options of the command line count, and a mistake in the file itself is the only one that it can tell", async (stage) => {
  const outlasting = await check(stage, '[pin.GPIO17]\ncloseLevel = "keep"\n', "--max-on", "1s");
  expect(of(outlasting, "fail")[1]).toContain("line 2: pin.GPIO17.closeLevel: keep would outlast the 1000 ms");
  const misspelt = await check(stage, "[pin.GPIO17]\nmaxOn = 1\n[pin.GPIO71]\n");
  expect(of(misspelt, "fail")).toEqual([expect.stringContaining("line 2: pin.GPIO17.maxOn: there is no such key (did you mean maxOnMs?)")]);
});

story("a port that is taken is a mistake, unless a supervisor runs, which may be the one that has it", async (stage) => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  const text = `[listen.remoteio]\nport = ${port}\n`;
  const alone = await check(stage, text);
  expect([alone.status, of(alone, "fail")[1]]).toEqual([
    1,
    expect.stringContaining(`a program listens on 127.0.0.1, port ${port}, already`),
  ]);
  await stage.serve();
  const beside = await check(stage, text);
  expect([beside.status, of(beside, "warn")[0]]).toEqual([0, expect.stringContaining("that may be the supervisor which runs now")]);
  await new Promise((closed) => server.close(closed));
});
