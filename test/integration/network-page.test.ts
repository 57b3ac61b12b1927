import { expect } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../src/access/token.ts";
import { authority, machine, TOKEN } from "./network-stage.ts";
import { eventually, executable, story } from "./processes.ts";

const root = join(import.meta.dir, "..", "..");

/** The blocks of docs/network.md that are in a language, in their order. */
function blocks(language: string): string[] {
  const page = readFileSync(join(root, "docs", "network.md"), "utf8");
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, block = ""]) => block);
}

story("the example of docs/network.md works as it stands there, with this machine as both", async (stage) => {
  const [making = "", using = ""] = blocks("sh");
  const [settings = ""] = blocks("toml");
  const [program = ""] = blocks("ts");
  const [etc, home, bin] = ["etc", "home", "bin"].map((name) => join(stage.folder, name)) as [string, string, string];
  for (const folder of [etc, bin, join(home, ".config", "holdfast")]) mkdirSync(folder, { recursive: true });
  symlinkSync(executable, join(bin, "holdfast"));

  // 1. A certificate: by the commands of the page, where there is openssl.
  if (Bun.which("openssl") === null) {
    writeFileSync(join(etc, "cert.pem"), machine.certificate);
    writeFileSync(join(etc, "key.pem"), machine.key);
    writeFileSync(join(home, ".config", "holdfast", "shed.pem"), authority.certificate);
  } else {
    const commands = making.replaceAll("sudo ", "").replaceAll("/etc/holdfast", etc).replaceAll("shed.local", "localhost");
    expect((await stage.run("bash", "-ec", commands)).status).toBe(0);
    writeFileSync(join(home, ".config", "holdfast", "shed.pem"), readFileSync(join(etc, "cert.pem")));
  }

  // 2. and 3. A token, and the configuration.
  const config = settings
    .replaceAll("/etc/holdfast", etc)
    .replace("sha256:…", digestOf(TOKEN))
    .replace('address = "0.0.0.0"', 'address = "127.0.0.1"\nport = 0');
  const supervisor = await stage.serve("--config", stage.file("its.toml", config));
  const url = `holdfast://localhost:${/"port":(\d+).*"msg":"listening"/.exec(supervisor.errors)?.[1]}`;
  writeFileSync(join(home, ".config", "holdfast", "shed.token"), `${TOKEN}\n`);

  // 4. The commands, of which the one that watches is to end.
  const near = await stage.connect();
  const commands = using.replace("holdfast://shed.local", url).replace("watch 4", "watch 4 -n 1");
  const shell = stage.run("env", `HOME=${home}`, `PATH=${bin}:${process.env["PATH"]}`, "bash", "-c", commands);
  await eventually("GPIO4 is watched", async () =>
    (await near.status()).pins.some(({ pin, state }) => pin === "GPIO4" && state === "watching"),
  );
  expect((await near.read("GPIO17")).level).toBe(1);
  await eventually("an edge has been seen", async () => {
    for (const level of [0, 1] as const) await near.simSet("GPIO4", level);
    return !(await near.status()).clients.some(({ name }) => name === "holdfast watch");
  });
  const { stdout, stderr } = await shell;
  expect(stdout).toContain("GPIO4");
  const [, promised] = /# (FORBIDDEN: .*)$/m.exec(using) ?? [];
  expect(stderr).toStartWith(`${promised}`);
  expect(promised).toStartWith("FORBIDDEN");

  // The program, beside its two files.
  await near.request("open", { pin: "GPIO17", direction: "out" });
  await near.request("off", { pin: "GPIO17" });
  await near.request("close", { pin: "GPIO17" });
  const source = program.replace('"holdfast"', JSON.stringify(join(root, "src", "index.ts"))).replace("holdfast://shed.local", url);
  const path = join(home, ".config", "holdfast", "lamp.ts");
  writeFileSync(path, `${source}console.log((await lamp.read()).level);\n`);
  expect(await stage.run("env", "-C", join(home, ".config", "holdfast"), process.execPath, path)).toEqual({
    status: 0,
    stdout: "1\n",
    stderr: "",
  });
});
