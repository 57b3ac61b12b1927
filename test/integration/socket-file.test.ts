import { expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { executable, type Stage, story } from "./processes.ts";

const NOBODY = 65534;

/** Has a supervisor end at once. @returns its exit status and what it says */
async function refusal(stage: Stage, socket = stage.socket, prefix: readonly string[] = []): Promise<{ status: number; code: string }> {
  const supervisor = stage.startServe(socket, [], prefix);
  const status = await supervisor.ended();
  return { status, code: /^[A-Z_]+(?=:)/m.exec(supervisor.errors)?.[0] ?? supervisor.errors };
}

story("the socket's file is for owner and group, and its folder is made when it is missing", async (stage) => {
  const socket = join(stage.folder, "a", "b", "holdfast.sock");
  expect(await stage.startServe(socket).ready).toBe(true);
  expect(readdirSync(join(stage.folder, "a", "b"))).toEqual(["holdfast.sock"]);
  expect((statSync(socket).mode & 0o777).toString(8)).toBe("660");
  await (await stage.connect({ socket })).request("ping", {});
});

story("a socket file that a killed supervisor left is replaced", async (stage) => {
  const killed = await stage.serve();
  killed.kill("SIGKILL");
  await killed.ended();
  expect(existsSync(stage.socket)).toBe(true);
  await stage.serve();
  await (await stage.connect()).request("ping", {});
});

story("a socket that is served is left alone: ALREADY_RUNNING", async (stage) => {
  const { pid } = await stage.serve();
  const client = await stage.connect();
  expect(await refusal(stage)).toEqual({ status: 1, code: "ALREADY_RUNNING" });
  expect((await client.status()).pid).toBe(pid);
  expect((await (await stage.connect()).status()).pid).toBe(pid);
});

story("of supervisors that start at the same instant over a stale file, exactly one wins", async (stage) => {
  for (let round = 0; round < 5; round++) {
    const stale = await stage.serve();
    stale.kill("SIGKILL");
    await stale.ended();
    const rivals = Array.from({ length: 3 }, () => stage.startServe(stage.socket));
    const won = await Promise.all(rivals.map(({ ready }) => ready));
    expect(won.filter((ready) => ready)).toHaveLength(1);
    for (const [index, rival] of rivals.entries()) {
      if (won[index] !== true) expect([await rival.ended(), rival.errors]).toEqual([1, expect.stringContaining("ALREADY_RUNNING")]);
    }
    const winner = rivals[won.indexOf(true)];
    expect((await (await stage.connect()).status()).pid).toBe(winner?.pid ?? 0);
    winner?.kill("SIGKILL");
    await winner?.ended();
  }
});

story("a file that is no socket is refused, and kept", async (stage) => {
  writeFileSync(stage.socket, "precious");
  expect(await refusal(stage)).toEqual({ status: 1, code: "SOCKET_PATH" });
  expect(readFileSync(stage.socket, "utf8")).toBe("precious");
  mkdirSync(join(stage.folder, "folder"));
  expect(await refusal(stage, join(stage.folder, "folder"))).toEqual({ status: 1, code: "SOCKET_PATH" });
  expect(await refusal(stage, join(stage.socket, "below-a-file.sock"))).toEqual({ status: 1, code: "SOCKET_PATH" });
});

story("a path that the kernel has no room for is refused", async (stage) => {
  const longest = join(stage.folder, "x".repeat(107 - stage.folder.length - 1));
  expect(await refusal(stage, `${longest}x`)).toEqual({ status: 1, code: "SOCKET_PATH" });
  expect(await stage.startServe(longest).ready).toBe(true);
});

/** What runs a command as somebody who may not write everywhere, where that can be done. */
const asNobody = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
const isRoot = process.getuid?.() === 0;
const canBeNobody = Bun.spawnSync([...(isRoot ? asNobody : []), executable, "--version"], { stderr: "ignore" }).success;

if (canBeNobody) {
  story("a folder that one may not write to, and a socket that one may not open, are PERMISSION_DENIED", async (stage) => {
    const prefix = isRoot ? asNobody : [];
    chmodSync(stage.folder, 0o755);
    const folder = join(stage.folder, "others");
    mkdirSync(folder, { mode: 0o555 });
    expect(await refusal(stage, join(folder, "holdfast.sock"), prefix)).toEqual({ status: 1, code: "PERMISSION_DENIED" });
    expect(await refusal(stage, join(folder, "new", "holdfast.sock"), prefix)).toEqual({ status: 1, code: "PERMISSION_DENIED" });
    if (!isRoot) return;
    await stage.serve();
    expect(await refusal(stage, stage.socket, prefix)).toEqual({ status: 1, code: "PERMISSION_DENIED" });
    const client = Bun.spawnSync([...prefix, executable, "--socket", stage.socket, "status"], { stderr: "pipe" });
    expect([client.exitCode, client.stderr.toString()]).toEqual([1, expect.stringContaining("PERMISSION_DENIED")]);
    chownSync(stage.socket, 0, NOBODY);
    expect(Bun.spawnSync([...prefix, executable, "--socket", stage.socket, "status"], { stdout: "ignore" }).exitCode).toBe(0);
  });
} else {
  test("without another user to be, nothing can be forbidden", () => expect(isRoot).toBe(true));
}

story("a path that is a number is a file like any other, not a port", async (stage) => {
  expect(await stage.startServe("41235").ready).toBe(true);
  expect(statSync(join(stage.folder, "41235")).isSocket()).toBe(true);
  expect(await stage.run(executable, "--socket", "41235", "status", "--json")).toMatchObject({ status: 0, stderr: "" });
});

story("a link that leads nowhere is refused, and left as it is", async (stage) => {
  symlinkSync("nowhere", stage.socket);
  expect(await refusal(stage)).toEqual({ status: 1, code: "SOCKET_PATH" });
  expect(lstatSync(stage.socket).isSymbolicLink()).toBe(true);
  expect(await refusal(stage, "")).toEqual({ status: 1, code: "SOCKET_PATH" });
});

story("a command does not wait for ever on a supervisor that is stopped", async (stage) => {
  const supervisor = await stage.serve();
  supervisor.kill("SIGSTOP");
  const { status, stderr } = await stage.run(executable, "--socket", stage.socket, "status");
  supervisor.kill("SIGCONT");
  // To start another one would not help.
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining("does not answer: it is stopped, or hangs.\n  To see what is wrong: holdfast doctor\n"),
  ]);
  expect(stderr).toStartWith("DISCONNECTED: ");
});
