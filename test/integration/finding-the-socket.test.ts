import { describe, expect, test } from "bun:test";
import type { Address } from "../../src/client/address.ts";
import { connectToFirst } from "../../src/client/connect.ts";
import { clientSocketPaths } from "../../src/client/socket-path.ts";
import { codeOf, story } from "./processes.ts";
import { Shell } from "./shell.ts";

describe("where a client looks", () => {
  const SYSTEM = "/run/holdfast/holdfast.sock";
  const looks: [HOLDFAST_SOCKET: string, XDG_RUNTIME_DIR: string, paths: string[]][] = [
    ["/tmp/x.sock", "/run/user/1000", ["/tmp/x.sock"]],
    ["", "/run/user/1000", ["/run/user/1000/holdfast.sock", SYSTEM]],
    ["", "", [SYSTEM]],
  ];
  for (const [HOLDFAST_SOCKET, XDG_RUNTIME_DIR, paths] of looks) {
    test(`HOLDFAST_SOCKET=${HOLDFAST_SOCKET} XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR}`, () => {
      const before = { ...process.env };
      Object.assign(process.env, { HOLDFAST_SOCKET, XDG_RUNTIME_DIR });
      try {
        expect(clientSocketPaths()).toEqual(paths);
      } finally {
        for (const name of ["HOLDFAST_SOCKET", "XDG_RUNTIME_DIR"]) {
          if (before[name] === undefined) delete process.env[name];
          else process.env[name] = before[name];
        }
      }
    });
  }
});

function sockets(...paths: readonly string[]): readonly Address[] {
  return paths.map((path) => ({ kind: "unix", path }));
}

story("a socket that a killed supervisor has left hides no other", async (stage) => {
  const left = `${stage.folder}/left.sock`;
  const killed = stage.startServe(left);
  await killed.ready;
  killed.kill("SIGKILL");
  await killed.ended();
  const missing = `${stage.folder}/missing.sock`;
  await expect(connectToFirst(sockets(missing, left), {})).rejects.toMatchObject({
    code: "NOT_RUNNING",
    message: `no supervisor answers on ${missing}: there is no such socket; nor on ${left}: nobody serves it`,
    details: { paths: [missing, left] },
  });
  const { pid } = await stage.serve();
  const { client, address } = await connectToFirst(sockets(left, missing, stage.socket), {});
  await using asking = client;
  expect(address).toEqual({ kind: "unix", path: stage.socket });
  expect(await asking.status()).toMatchObject({ pid });
});

story("where nobody is, or nobody could be, the shell says what to do about it", async (stage) => {
  await using shell = new Shell(stage.folder, {});
  const on = async (...way: readonly string[]) => (await shell.run("status", ...way)).err.trim().split("\n");
  expect(await on("--connect", "holdfast://127.0.0.1:1")).toEqual([
    "NOT_RUNNING: no supervisor answers on holdfast://127.0.0.1:1: nothing listens there.",
    expect.stringContaining("[listen.tcp]"),
  ]);
  expect(await on("--connect", "unix:/nowhere.sock")).toEqual([
    "NOT_RUNNING: no supervisor answers on /nowhere.sock: there is no such socket.",
    expect.stringContaining("Start one: holdfast serve"),
  ]);
  expect((await on("--connect", "shed.local"))[0]).toStartWith(
    "BAD_FIELD: --connect, or HOLDFAST_URL: the address of a supervisor is written unix:/path, holdfast://host:port",
  );
});

story("a socket that was named is tried alone", async (stage) => {
  await stage.serve();
  await using shell = new Shell(stage.folder, { XDG_RUNTIME_DIR: stage.folder });
  await shell.ok("on", "17");
  expect(await shell.run("status", "--socket", `${stage.folder}/other.sock`)).toMatchObject({ status: 1 });
  expect(await codeOf(stage.connect({ socket: `${stage.folder}/other.sock` }))).toBe("NOT_RUNNING");
});
