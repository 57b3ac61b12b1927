import { expect } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { commandBytes, PigpioSocket } from "./pigpio-connection.ts";
import { eventually, type ServeProcess, type Stage, story } from "./processes.ts";

/** What a supervisor may have more while a program does its worst, in bytes: replies and requests of one, and what an allocator does with them. */
const BOUND_BYTES = 48 * 1024 * 1024;

/** Starts a supervisor that listens for pigpio programs on a port that the kernel chooses. */
function serve(stage: Stage, more = "", ...args: readonly string[]): Promise<ServeProcess> {
  return stage.serve("--config", configured(stage, `port = 0\n${more}`), ...args);
}

function configured(stage: Stage, table: string): string {
  return stage.file("its.toml", `[listen.pigpio]\n${table}`);
}

/** A connection that is closed when the test ends. */
async function connection(stage: Stage, supervisor: ServeProcess): Promise<PigpioSocket> {
  const socket = await PigpioSocket.open(supervisor.port("pigpio"));
  stage.resources.defer(() => socket.destroy());
  return socket;
}

async function program(stage: Stage, supervisor: ServeProcess): Promise<PigpioSocket> {
  return (await connection(stage, supervisor)).read();
}

story("a pigpio program commands a pin, and everybody else sees what it does", async (stage) => {
  const supervisor = await serve(stage);
  const [first, other] = [await program(stage, supervisor), await stage.connect()];
  expect(await first.ask("WRITE", 17, 1)).toBe(0);
  expect(await other.read("GPIO17")).toMatchObject({ level: 1, state: "on" });
  expect(await first.ask("PWM", 17, 51)).toBe(0);
  expect(await other.read("GPIO17")).toMatchObject({ value: 0.2 });
  expect(await first.ask("HWVER")).toBe(0xc03114);
  first.destroy();
  await eventually("it holds the pin no more", async () => (await other.status()).pins[0]?.unowned === true);
  expect(await other.read("GPIO17")).toMatchObject({ value: 0.2 });
  await other.output("GPIO17");
});

story("Node's pigpio-client finds what it knows", async (stage) => {
  const supervisor = await serve(stage);
  await (await stage.connect()).simWire("GPIO17", "GPIO27");
  const ran = await stage.run("node", join(import.meta.dir, "pigpio-client-program.mjs"), String(supervisor.port("pigpio")));
  expect(ran).toEqual({
    status: 0,
    stdout: `connected 79 c03114
mode 1 0
read 1
told 1 0 1 0
pwm 64
servo 1500
WVCLR PI_UNKNOWN_COMMAND
SERVO PI_BAD_PULSEWIDTH
ended
`,
    stderr: "",
  });
});

story("notifications come on the connection that asked for them, whoever asks for the pins", async (stage) => {
  const supervisor = await serve(stage);
  const [commands, notified] = [await program(stage, supervisor), await program(stage, supervisor)];
  const other = await stage.connect();
  const handle = await notified.ask("NOIB");
  await commands.ask("PUD", 4, 2);
  expect(await commands.ask("NB", handle, 1 << 4)).toBe(0);
  expect(await notified.report()).toMatchObject({ sequence: 0, flags: 0, levels: 1 << 4 });
  const before = await commands.ask("TICK");
  await other.simSet("GPIO4", 0);
  const { tick, ...report } = await notified.report();
  expect(report).toEqual({ sequence: 1, flags: 0, levels: 0 });
  expect((tick - before) >>> 0).toBeLessThan(2 ** 31);
  expect((((await commands.ask("TICK")) - tick) | 0) >= 0).toBe(true);
  notified.destroy();
  await eventually("the handle is closed", async () => (await commands.ask("NP", handle)) === -25);
});

story("commands in one piece are answered in their order, and those in single bytes as well", async (stage) => {
  const supervisor = await serve(stage);
  const one = await program(stage, supervisor);
  const commands = [
    commandBytes("WRITE", 17, 1),
    commandBytes("READ", 17),
    commandBytes("TRIG", 17, 10, 0),
    commandBytes(28, 0, 0, ...new Array(300).fill(7)),
    commandBytes("MODEG", 17),
    commandBytes("WRITE", 17, 7),
    commandBytes("READ", 60),
  ];
  const results = [0, 1, 0, -88, 1, -5, -3];
  one.send(Buffer.concat(commands));
  for (const result of results) expect(await one.result()).toBe(result);
  for (const byte of Buffer.concat(commands)) one.send(Uint8Array.of(byte));
  for (const result of results) expect(await one.result()).toBe(result);
});

story("who sends all at once and no more is answered all, then disconnected", async (stage) => {
  const supervisor = await serve(stage);
  const one = await program(stage, supervisor);
  one.send(Buffer.concat(new Array(5000).fill(commandBytes("MODEG", 17))));
  one.end();
  await eventually("the connection is over", () => one.closed);
  expect(one.waiting).toBe(5000 * 16);
});

story("garbage, half commands, long ones and silence harm nobody else", async (stage) => {
  const supervisor = await serve(stage);
  const other = await program(stage, supervisor);
  const silent = await Promise.all(Array.from({ length: 50 }, () => program(stage, supervisor)));
  const before = supervisor.residentBytes;
  for (const one of silent) one.send(commandBytes(27, 0, 0, 1, 2, 3).subarray(0, 21));
  for (let round = 0; round < 20; round++) {
    const one = await program(stage, supervisor);
    one.send(crypto.getRandomValues(new Uint8Array(1 + round * 3000)));
    one.end();
    expect(await other.ask("PIGPV")).toBe(79);
    await eventually("the connection is over", () => one.closed);
    expect(one.waiting % 16).toBe(0);
  }
  const long = await program(stage, supervisor);
  long.send(Uint8Array.from([...commandBytes("PIGPV"), ...new Uint8Array(Uint32Array.of(37, 0, 0, 65_536).buffer)]));
  expect(await long.result()).toBe(79);
  await eventually("the connection is over", () => long.closed);
  for (const one of silent) one.send(commandBytes(27, 0, 0, 1, 2, 3).subarray(21));
  for (const one of silent) expect(await one.result()).toBe(-88);
  expect(supervisor.residentBytes - before).toBeLessThan(BOUND_BYTES);
});

story("who reads no replies is not read from, and harms nobody else", async (stage) => {
  const supervisor = await serve(stage);
  const other = await program(stage, supervisor);
  const greedy = await connection(stage, supervisor);
  const many = Buffer.concat(new Array(10_000).fill(commandBytes("PIGPV")));
  // What a process needs that has had work to do.
  for (let round = 0; round < 20; round++) {
    other.send(many);
    for (let reply = 0; reply < 10_000; reply++) await other.result();
  }
  const before = supervisor.residentBytes;
  await eventually("the supervisor takes no more", async () => {
    const was = greedy.takenBytes;
    greedy.sendUntilItWaits(many);
    for (let round = 0; round < 300; round++) await other.ask("PIGPV");
    return greedy.takenBytes === was;
  });
  expect(supervisor.residentBytes - before).toBeLessThan(BOUND_BYTES);
  greedy.destroy();
  expect(await other.ask("PIGPV")).toBe(79);
});

story("many programs that ask without a pause take short turns: others are served between them", async (stage) => {
  const supervisor = await serve(stage);
  const other = await stage.connect();
  const crowd = await Promise.all(Array.from({ length: 10 }, () => connection(stage, supervisor)));
  const asked = Buffer.concat(new Array(4000).fill(commandBytes("READ", 17)));
  for (const each of crowd) each.send(asked);
  const requests = async () => (await other.status()).counters.requests;
  await eventually("they are served", async () => (await requests()) > 3000);
  const served: number[] = [];
  for (let before = await requests(); served.length < 9; ) {
    const now = await requests();
    served.push(now - before);
    before = now;
  }
  const atOnce = served.sort((one, more) => one - more)[4] as number;
  expect(atOnce).toBeGreaterThan(10);
  expect(atOnce).toBeLessThan(10 * 100);
});

story("more connections than there may be clients are closed, and do not fill the log", async (stage) => {
  const supervisor = await serve(stage, "", "--limit", "clients=3");
  const served = [await program(stage, supervisor), await program(stage, supervisor), await program(stage, supervisor)];
  for (const crowd of await Promise.all(Array.from({ length: 40 }, () => program(stage, supervisor)))) {
    await eventually("it is refused", () => crowd.closed);
  }
  for (const one of served) expect(await one.ask("PIGPV")).toBe(79);
  expect(supervisor.errors).toContain("LIMIT_CLIENTS");
  expect(supervisor.errors.split('"msg":"client refused"').length - 1).toBeLessThan(20);
});

story("a pin of another client is refused, and the log says whose it is", async (stage) => {
  const supervisor = await serve(stage);
  const other = await stage.connect({ name: "conveyor" });
  await other.output("GPIO17");
  const one = await program(stage, supervisor);
  expect(await one.ask("WRITE", 17, 1)).toBe(-41);
  expect(await one.ask("WRITE", 17, 1)).toBe(-41);
  const told = supervisor.errors
    .split("\n")
    .filter((line) => line.includes('"code":"PIN_BUSY"') && line.includes("refused a pigpio program a pin"));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(`GPIO17 is held by \\"conveyor\\" (pid ${process.pid})`);
});

story("its programs may use the pins that the configuration lets them have, and no others", async (stage) => {
  const supervisor = await serve(stage, 'access = "line2"\n[access.line2]\ncommand = ["GPIO17"]\n');
  const one = await program(stage, supervisor);
  expect(await one.ask("WRITE", 17, 1)).toBe(0);
  expect(await one.ask("WRITE", 27, 1)).toBe(-41);
  await eventually("who was refused what is in the log", () => supervisor.errors.includes('"code":"FORBIDDEN"'));
});

story("a configuration that gives other rights is obeyed: the listener opens anew, and outputs stay as they are", async (stage) => {
  const supervisor = await serve(stage);
  const [before, notified, other] = [await program(stage, supervisor), await program(stage, supervisor), await stage.connect()];
  await before.ask("WRITE", 17, 1);
  await before.ask("NB", await notified.ask("NOIB"), 1 << 4);
  configured(stage, `port = 0\naccess = "line2"\n[access.line2]\ncommand = ["GPIO17"]\n`);
  supervisor.kill("SIGHUP");
  await eventually("the program is disconnected", () => before.closed);
  await eventually("it is obeyed", () => supervisor.errors.includes("the configuration is in force"));
  const { pins, clients } = await other.status();
  expect(pins).toMatchObject([{ pin: "GPIO17", level: 1, unowned: true }]);
  expect(clients.map(({ transport }) => transport).sort()).toEqual(["pigpio", "unix"]);
  const ports = [...supervisor.errors.matchAll(/"port":(\d+),"msg":"listening"/g)];
  const after = (await PigpioSocket.open(Number(ports.at(-1)?.[1]))).read();
  stage.resources.defer(() => after.destroy());
  expect(await after.ask("WRITE", 17, 0)).toBe(0);
  expect(await after.ask("MODES", 4, 0)).toBe(-41);
});

story("a supervisor that ends gives the pins back, and hangs up", async (stage) => {
  const supervisor = await serve(stage);
  const one = await program(stage, supervisor);
  await one.ask("WRITE", 17, 1);
  await one.ask("PWM", 18, 100);
  await one.ask("WDOG", 4, 10);
  await one.ask("NB", await one.ask("NOIB"), 1 << 4);
  supervisor.kill("SIGTERM");
  await eventually("the connection is over", () => one.closed);
  expect(await supervisor.ended()).toBe(0);
});

story("a port that is taken stops the start, and names the key", async (stage) => {
  const taken = createServer();
  await new Promise<void>((listening) => taken.listen(0, "127.0.0.1", listening));
  stage.resources.defer(() => taken.close());
  const { port } = taken.address() as { readonly port: number };
  const supervisor = stage.startServe(stage.socket, ["--config", configured(stage, `port = ${port}\n`)]);
  expect(await supervisor.ready).toBe(false);
  expect(await supervisor.ended()).toBe(1);
  expect(supervisor.errors).toContain(`listen.pigpio: another program listens on 127.0.0.1, port ${port}`);
});

story("it is for this machine's programs alone, unless the configuration says in so many words that it is not", async (stage) => {
  const closed = stage.startServe(stage.socket, ["--config", configured(stage, 'port = 0\naddress = "0.0.0.0"\n')]);
  expect(await closed.ready).toBe(false);
  expect(closed.errors).toContain("insecure = true");
  const open = await serve(stage, 'address = "0.0.0.0"\ninsecure = true\n');
  expect(open.errors).toContain("neither TLS nor tokens");
});
