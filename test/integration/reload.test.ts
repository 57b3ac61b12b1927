import { describe, expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/index.ts";
import { certify } from "./certificates.ts";
import { dial, panel, serveTcp, tlsKeys, tokenTable } from "./network-stage.ts";
import { codeOf, eventually, executable, type ServeProcess, type Stage, story } from "./processes.ts";
import { Shell } from "./shell.ts";

/** What a supervisor has logged with this message. */
function logged({ errors }: ServeProcess, message: string): Record<string, unknown>[] {
  const lines = errors.split("\n").filter((line) => line.includes(`"msg":"${message}`));
  return lines.map((line) => JSON.parse(line));
}

const IN_FORCE = "the configuration is in force";
const REFUSED = "the configuration is refused";

/** Writes the configuration, has it read, and waits until the log says so. */
async function reload(supervisor: ServeProcess, file: string, text: string, message = IN_FORCE): Promise<Record<string, unknown>> {
  const before = logged(supervisor, message).length;
  writeFileSync(file, text);
  supervisor.kill("SIGHUP");
  await eventually(`"${message}"`, () => logged(supervisor, message).length > before);
  return logged(supervisor, message).at(-1) ?? {};
}

async function serve(stage: Stage, text: string, ...args: readonly string[]): Promise<{ file: string; supervisor: ServeProcess }> {
  const file = stage.file("its.toml", text);
  return { file, supervisor: await stage.serve("--config", file, ...args) };
}

story("SIGHUP has the file read again: pins that it does not concern go on, and those that it does obey it", async (stage) => {
  const { file, supervisor } = await serve(stage, '[pin.GPIO17]\nalias = "lamp"\n');
  const client = await stage.connect();
  const [lamp, pump] = [await client.output("lamp"), await client.output("GPIO27")];
  const [blinked, lit] = [lamp.blink({ onMs: 1, offMs: 1, n: 200, ack: "done" }), pump.on({ ack: "done" })];
  await pump.read();
  const text = `frames.directory = "${stage.folder}"\n[pin.GPIO17]\nalias = "lamp"\n[pin.GPIO27]\nalias = "pump"\nmaxOnMs = 1\n[pool.cam0]\nslots = 2\nbytes = 9\n[limits]\nsubscriptions = 1\n`;
  const { changed } = await reload(supervisor, file, text);
  expect(changed).toEqual(["limits.subscriptions", "pin.GPIO27", "pool.cam0"]);
  await eventually("the warning", () => logged(supervisor, "this holds from the next start on").length > 0);
  expect(logged(supervisor, "this holds from the next start on")).toMatchObject([{ level: "warn", key: "frames.directory" }]);
  expect(await lit).toMatchObject({ outcome: "cancelled", reason: "MAX_ON" });
  expect(await blinked).toMatchObject({ outcome: "done" });
  expect((await client.status()).pools).toMatchObject([{ pool: "cam0" }]);
  await client.observe("pump");
  expect(await codeOf(client.observe("lamp"))).toBe("LIMIT_SUBSCRIPTIONS");
});

story("what the command line says wins over what is read again", async (stage) => {
  const { file, supervisor } = await serve(stage, "", "--max-on", "40ms", "--limit", "subscriptions=1");
  await reload(supervisor, file, "[limits]\nmaxOnMs = 60000\nsubscriptions = 10\nclients = 10\n");
  const client = await stage.connect();
  expect((await (await client.output("GPIO17")).on({ ack: "done" })).reason).toBe("MAX_ON");
  await client.observe("GPIO17");
  expect(await codeOf(client.observe("GPIO27"))).toBe("LIMIT_SUBSCRIPTIONS");
});

describe("a file with a mistake is refused as a whole, and the log says where it is:", () => {
  const wrong: [what: string, text: string, told: object][] = [
    ["a key", '[pin.GPIO17]\nalias = "light"\nmaxOn = 5\n', { code: "BAD_CONFIG", key: "pin.GPIO17.maxOn", line: 3 }],
    ["a name", '[pin.GPIO17]\nalias = "light"\n[pin.GPIO71]\n', { code: "BAD_CONFIG", key: "pin.GPIO71", line: 3 }],
    ["no TOML", '[pin.GPIO17]\nalias = "light\n', { code: "BAD_CONFIG", line: 2 }],
    ["a pool too large", '[pin.GPIO17]\nalias = "light"\n[pool.large]\nslots = 1024\nbytes = 1_073_741_824\n', { code: "MEMORY_FULL" }],
  ];
  for (const [what, text, told] of wrong) {
    story(what, async (stage) => {
      const { file, supervisor } = await serve(stage, '[pin.GPIO17]\nalias = "lamp"\n');
      expect(await reload(supervisor, file, text, REFUSED)).toMatchObject({ level: "error", ...told });
      const client = await stage.connect();
      expect(await codeOf(client.output("light"))).toBe("PIN_UNKNOWN");
      expect(await codeOf(client.output("lamp"))).toBe("done");
    });
  }
});

story("a file that is missed when it is read again changes nothing", async (stage) => {
  const { file, supervisor } = await serve(stage, '[pin.GPIO17]\nalias = "lamp"\n');
  await Bun.file(file).delete();
  supervisor.kill("SIGHUP");
  await eventually("it is refused", () => logged(supervisor, REFUSED).length > 0);
  expect(logged(supervisor, REFUSED)[0]?.["reason"]).toBe(`there is no configuration file ${file}`);
  expect(await codeOf((await stage.connect()).output("lamp"))).toBe("done");
});

describe("in a terminal", () => {
  /** A supervisor in a terminal of its own, which ends with what `script` is. */
  async function inTerminal(shell: Shell, { folder, socket }: Stage, prefix = "") {
    writeFileSync(join(folder, "its.toml"), "");
    const command = `${prefix} ${executable} serve --backend sim --socket ${socket} --config ${folder}/its.toml`;
    const terminal = shell.startAs(["script", "--quiet", "--command", `exec ${command}`, join(folder, "typed")]);
    await eventually("it serves", async () => (await codeOf(probe(socket))) === "done");
    return { terminal, pid: await probe(socket) };
  }

  async function probe(socket: string): Promise<number> {
    await using client = await connect({ socket });
    return (await client.status()).pid;
  }

  story("SIGHUP has the file read again, and the end of the terminal ends the supervisor, softly", async (stage) => {
    await using shell = new Shell(stage.folder, { TERM: "dumb" });
    const { terminal, pid } = await inTerminal(shell, stage);
    writeFileSync(join(stage.folder, "its.toml"), '[pin.GPIO17]\nalias = "lamp"\n');
    process.kill(pid, "SIGHUP");
    const client = await stage.connect();
    await eventually("it has read the file", async () => (await codeOf(client.read("lamp"))) === "done");
    const lit = (await client.output("lamp")).on({ durationMs: 200, ack: "done" });
    await client.read("lamp");
    terminal.kill("SIGKILL");
    expect(await lit).toMatchObject({ outcome: "done" });
    await eventually("it has ended", () => !existsSync(stage.socket));
  });

  story("a supervisor that was started with nohup outlives it", async (stage) => {
    await using shell = new Shell(stage.folder, { TERM: "dumb" });
    const { terminal, pid } = await inTerminal(shell, stage, "nohup");
    stage.resources.defer(() => void process.kill(pid, "SIGKILL"));
    writeFileSync(join(stage.folder, "its.toml"), '[pin.GPIO17]\nalias = "lamp"\n');
    terminal.kill("SIGKILL");
    await terminal.ended;
    const client = await stage.connect();
    process.kill(pid, "SIGHUP");
    await eventually("it has read the file", async () => (await codeOf(client.read("lamp"))) === "done");
  });
});

story("a limit on clients that is lowered below what is there, and raised again, holds at once each time", async (stage) => {
  const { file, supervisor } = await serve(stage, "[limits]\nclients = 80\n");
  const clients = await Promise.all(Array.from({ length: 70 }, () => stage.connect()));
  await reload(supervisor, file, "[limits]\nclients = 1\n");
  expect(await codeOf(stage.connect())).not.toBe("done");
  await reload(supervisor, file, "[limits]\nclients = 80\n");
  expect(await codeOf(stage.connect())).toBe("done");
  expect(await codeOf(Promise.all(clients.map((client) => client.ping())))).toBe("done");
});

describe("over the network", () => {
  const config = (stage: Stage) => join(stage.folder, "its.toml");
  const listening = (listen: string, access: string) => `[listen.tcp]\nport = 0\n${listen}\n${access}`;

  story("a client gains rights at once, and is disconnected when it loses one", async (stage) => {
    const keys = tlsKeys(stage);
    const { supervisor, url } = await serveTcp(stage, keys, `${panel}command = ["GPIO17"]\n`);
    const client = await dial(stage, url);
    expect(await codeOf(client.output("GPIO27"))).toBe("FORBIDDEN");
    await client.output("GPIO17");
    await reload(supervisor, config(stage), listening(keys, `${panel}command = ["GPIO17", "GPIO27"]\n`));
    expect(await codeOf(client.output("GPIO27"))).toBe("done");
    await reload(supervisor, config(stage), listening(keys, `${panel}command = ["GPIO27"]\n`));
    await eventually("it is disconnected", async () => (await codeOf(client.ping())) === "DISCONNECTED");
    expect(await codeOf((await dial(stage, url)).output("GPIO17"))).toBe("FORBIDDEN");
    expect(await codeOf((await dial(stage, url)).output("GPIO27"))).toBe("done");
  });

  story("a client that has its right by an alias loses it when the alias goes to another pin", async (stage) => {
    const rights = `${panel}command = ["lamp"]\n`;
    const { supervisor, url } = await serveTcp(stage, "", `${rights}[pin.GPIO17]\nalias = "lamp"\n`);
    const client = await dial(stage, url);
    const lamp = await client.output("lamp", { onDisconnect: "stay" });
    await lamp.on();
    await reload(supervisor, config(stage), listening("", `${rights}[pin.GPIO27]\nalias = "lamp"\n`));
    await eventually("it is disconnected", async () => (await codeOf(client.ping())) === "DISCONNECTED");
    const again = await dial(stage, url);
    expect(await codeOf(again.output("GPIO17"))).toBe("FORBIDDEN");
    expect(await codeOf(again.output("GPIO27"))).toBe("done");
  });

  story("a listener is not left open to everybody by the last token's going", async (stage) => {
    const keys = `address = "0.0.0.0"\n${tlsKeys(stage)}`;
    const { supervisor, url } = await serveTcp(stage, keys);
    expect(await reload(supervisor, config(stage), listening(keys, ""), REFUSED)).toMatchObject({ key: "listen.tcp.address", line: 3 });
    expect(await codeOf(dial(stage, url, { token: "hf_another" }))).toBe("FORBIDDEN");
    expect(await codeOf((await dial(stage, url)).ping())).toBe("done");
  });

  story("a certificate that has been renewed is used, also when the configuration is what it was", async (stage) => {
    const text = listening(tlsKeys(stage), tokenTable);
    const { supervisor } = await serveTcp(stage);
    const SAME = "the configuration says what it said before";
    const url = () => `holdfast://localhost:${logged(supervisor, "listening").at(-1)?.["port"]}`;
    const lasting = await dial(stage, url());
    await reload(supervisor, config(stage), text, SAME);
    expect(await codeOf(lasting.ping())).toBe("done");
    tlsKeys(stage, certify({ commonName: "localhost", names: ["localhost"] }));
    await reload(supervisor, config(stage), text, SAME);
    expect(await codeOf(dial(stage, url()))).not.toBe("done");
    tlsKeys(stage);
    await reload(supervisor, config(stage), text, SAME);
    expect(await codeOf(dial(stage, url()))).toBe("done");
  });
});
