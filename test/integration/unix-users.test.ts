import { expect } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable, type Stage, story } from "./processes.ts";

/** Numbers that no account needs to have. */
const [pi, guest, gpio] = [54_321, 54_322, 54_997];

/** A supervisor whose socket anyone may open, and who may do what there. */
async function serve(stage: Stage, access: string) {
  const file = stage.file("its.toml", access);
  const supervisor = await stage.serve("--config", file);
  chmodSync(stage.folder, 0o755);
  chmodSync(stage.socket, 0o666);
  return supervisor;
}

/** Runs a command as a user. */
function as(stage: Stage, uid: number, groups: readonly number[], ...args: readonly string[]) {
  const user = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, `--groups=${groups.join(",")}`];
  return stage.run(...user, executable, ...args, "--socket", stage.socket);
}

// Only root may become someone else.
if (process.getuid?.() === 0) {
  story(
    "a user has the rights of its own table and of those of its groups, root has all, and a stranger is refused at once",
    async (stage) => {
      const supervisor = await serve(
        stage,
        `[access.pi]\nuser = ${pi}\ncommand = ["BOARD11"]\n\n[access.gpio]\ngroup = ${gpio}\nread = "*"\n`,
      );
      expect(await as(stage, pi, [gpio], "on", "17")).toMatchObject({ status: 0 });
      expect(await as(stage, pi, [gpio], "read", "27")).toMatchObject({ status: 0, stdout: "0\n" });
      const refused = await as(stage, pi, [pi], "on", "27");
      expect(refused).toMatchObject({ status: 1, stdout: "" });
      expect(refused.stderr).toStartWith("FORBIDDEN: access.pi gives no right to command GPIO27.");
      const stranger = await as(stage, guest, [guest], "read", "17");
      expect(stranger).toMatchObject({ status: 1, stdout: "" });
      expect(stranger.stderr).toStartWith(`FORBIDDEN: no table [access.NAME] speaks of user ${guest}`);
      expect(await stage.run(executable, "on", "27", "--socket", stage.socket)).toMatchObject({ status: 0 });
      const logged = supervisor.errors
        .split("\n")
        .filter((line) => line.includes('"level":"warn"'))
        .map((line) => JSON.parse(line));
      expect(logged).toMatchObject([
        {
          msg: "refused",
          name: "holdfast on",
          transport: "unix",
          uid: pi,
          right: "command",
          pin: "GPIO27",
          rules: ["pi"],
          code: "FORBIDDEN",
        },
        { msg: "client refused", uid: guest, code: "FORBIDDEN" },
      ]);
    },
  );

  story("more groups than a few are all heeded", async (stage) => {
    await serve(stage, `[access.gpio]\ngroup = ${gpio}\nread = "*"\n`);
    const groups = [...Array.from({ length: 200 }, (_, index) => 60_000 + index), gpio];
    expect(await as(stage, guest, groups, "read", "17")).toMatchObject({ status: 0, stdout: "0\n" });
  });
}

story("a table that names no account, no pin or no table stops the start, by its key", async (stage) => {
  const file = join(stage.folder, "its.toml");
  const told = async (text: string) => {
    writeFileSync(file, text);
    const supervisor = stage.startServe(stage.socket, ["--config", file]);
    expect(await supervisor.ready).toBe(false);
    await supervisor.ended();
    return supervisor.errors;
  };
  expect(await told('[access.pi]\nuser = "no-such-user"\n')).toContain(
    `BAD_CONFIG: ${file}, line 2: access.pi.user: this machine has no user no-such-user`,
  );
  expect(await told('[access.pi]\ncommand = ["GPIO71"]\n')).toContain(
    `BAD_CONFIG: ${file}, line 2: access.pi.command: no line is called "GPIO71"`,
  );
  expect(await told("[access.pi]\nwrite = []\n")).toContain(
    `BAD_CONFIG: ${file}, line 2: access.pi.write: there is no such key; known are token, user`,
  );
});
