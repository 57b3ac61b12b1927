import { expect } from "bun:test";
import { createServer } from "node:net";
import { eventually, type ServeProcess, type Stage, story } from "./processes.ts";
import { TextConnection } from "./text-connection.ts";

const QUEUED = "! command on execution-queue";

/** What a supervisor may have more while a client does its worst, in bytes: replies and requests of one, and what an allocator does with them. */
const BOUND_BYTES = 48 * 1024 * 1024;

/** Starts a supervisor that listens for remoteio on a port that the kernel chooses. */
function serve(stage: Stage, table = "", ...args: readonly string[]): Promise<ServeProcess> {
  return stage.serve("--config", configured(stage, `port = 0\n${table}`), ...args);
}

function configured(stage: Stage, table: string): string {
  return stage.file("its.toml", `[listen.remoteio]\n${table}`);
}

async function speaker(stage: Stage, supervisor: ServeProcess): Promise<TextConnection> {
  const connection = await TextConnection.open(supervisor.port("remoteio"));
  stage.resources.defer(() => connection.destroy());
  return connection.read();
}

/** Says one thing and waits for its reply, as remoteio's own client does. */
async function say(connection: TextConnection, words: string, reply: string): Promise<void> {
  connection.send(`${words} `);
  await eventually(`a reply to ${words}`, () => connection.text.length >= reply.length);
  expect(connection.take()).toBe(reply);
}

story("a program of remoteio's commands a pin, and everybody else sees what it does", async (stage) => {
  const supervisor = await serve(stage);
  const [program, other] = [await speaker(stage, supervisor), await stage.connect()];
  await say(program, "b 11 create 0 0.0 0.0", "!");
  await say(program, "b 11 on 0 0.0 0.0", QUEUED);
  expect(await other.read("GPIO17")).toMatchObject({ level: 1, state: "on" });
  expect((await other.status()).clients).toMatchObject([{ transport: "remoteio", pins: ["GPIO17"] }, { name: "test" }]);
  await say(program, "b 11 blink 0 0.5 0.5", QUEUED);
  expect(await other.read("GPIO17")).toMatchObject({ state: "blinking" });
  await say(program, "b 11 close 0 0.0 0.0", QUEUED);
  await eventually("the pin is closed", async () => (await other.read("GPIO17")).state === "closed");
  await say(program, "b 11 on 0 0.0 0.0", "? command ignored: on");
});

story("requests in one piece have their replies in order, and one in single bytes has its own", async (stage) => {
  const supervisor = await serve(stage);
  const program = await speaker(stage, supervisor);
  const all = "b 11 create 0 0 0 b 13 on 0 0 0 b 11 on 200 0 0 b 13 create 0 0 0 ";
  const replies = `!? command ignored: on${QUEUED}!`;
  await say(program, all.trimEnd(), replies);
  for (const byte of "b 11 off 50 0 0 ") program.send(byte);
  await eventually("a reply", () => program.text === QUEUED);
});

story("in mode nowait a command takes the place of the one before it", async (stage) => {
  const supervisor = await serve(stage, 'mode = "nowait"\n');
  const [program, other] = [await speaker(stage, supervisor), await stage.connect()];
  await say(program, "b 11 create 0 0.0 0.0", "!");
  await say(program, "b 11 on 60000 0.0 0.0", QUEUED);
  await say(program, "b 11 off 0 0.0 0.0", QUEUED);
  expect(await other.read("GPIO17")).toMatchObject({ level: 0, state: "idle" });
});

story("who has gone leaves its pins to finish what they have accepted, then others may have them", async (stage) => {
  const supervisor = await serve(stage);
  const [program, next] = [await speaker(stage, supervisor), await speaker(stage, supervisor)];
  const other = await stage.connect();
  await say(program, "b 11 create 0 0.0 0.0", "!");
  await say(next, "b 13 create 0 0.0 0.0", "!");
  await say(program, "b 11 on 150 0.0 0.0", QUEUED);
  await say(program, "b 11 off 50 0.0 0.0", QUEUED);
  program.destroy();
  await say(next, "b 11 create 0 0.0 0.0", "!");
  expect((await other.status()).counters).toMatchObject({ accepted: 2, done: 2, cancelled: 0 });
});

story("what is no request is answered, and its connection ended; pins finish what they were told before", async (stage) => {
  const supervisor = await serve(stage);
  const [program, other] = [await speaker(stage, supervisor), await stage.connect()];
  program.send("b 11 create 0 0 0 b 11 on 300 0 0 b 13 create 0 0 0 GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await eventually("the connection is over", () => program.ended);
  expect(program.take()).toStartWith(`!${QUEUED}!?? BAD_FIELD: `);
  expect((await other.status()).pins).toMatchObject([{ pin: "GPIO17", state: "closing" }]);
  await eventually("it is done", async () => (await other.status()).counters.done === 1);
});

story("clients of remoteio's next generation are told that they are not understood, in words that they raise", async (stage) => {
  const supervisor = await serve(stage);
  const program = await speaker(stage, supervisor);
  program.send("dev_0 LED _create pin=__import__('os').system('true')\n");
  await eventually("the connection is over", () => program.ended);
  expect(program.take()).toStartWith("?? BAD_FIELD: a request is six words");
});

story("garbage, half requests and silence harm nobody else", async (stage) => {
  const supervisor = await serve(stage);
  const other = await stage.connect();
  const before = supervisor.residentBytes;
  const silent = await Promise.all(Array.from({ length: 50 }, () => speaker(stage, supervisor)));
  for (const connection of silent) connection.send("b 11 crea");
  for (let round = 0; round < 20; round++) {
    const connection = await speaker(stage, supervisor);
    connection.send(crypto.getRandomValues(new Uint8Array(1 + round * 3000)));
    connection.end();
    await other.ping();
    await eventually("the connection is over", () => connection.closed);
    expect(connection.take()).toMatch(/^(\?\? (BAD_FIELD|LIMIT_MESSAGE): .*)?$/);
  }
  const endless = await speaker(stage, supervisor);
  endless.send(`b ${"1".repeat(1_000_000)}`);
  await eventually("the connection is over", () => endless.ended);
  await say(silent[0] as TextConnection, "te 0 0 0", "!");
  for (const connection of silent) connection.destroy();
  await eventually("they have gone", async () => (await other.status()).clients.length === 1);
  expect(supervisor.residentBytes - before).toBeLessThan(BOUND_BYTES);
});

story("who reads no replies is not read from until it does; then it gets them all", async (stage) => {
  const supervisor = await serve(stage, 'mode = "nowait"\n');
  const other = await stage.connect();
  const greedy = await TextConnection.open(supervisor.port("remoteio"));
  stage.resources.defer(() => greedy.destroy());
  const before = supervisor.residentBytes;
  const command = "b 13 on 0 0 0 ";
  await eventually("the supervisor takes no more", async () => {
    const was = greedy.takenBytes;
    greedy.sendUntilItWaits(Buffer.from(command.repeat(1000)));
    for (let round = 0; round < 300; round++) await other.ping();
    return greedy.takenBytes === was;
  });
  expect(supervisor.residentBytes - before).toBeLessThan(BOUND_BYTES);
  greedy.read();
  const total = greedy.sentBytes / command.length;
  const reply = "? command ignored: on";
  await eventually("every reply has come", () => greedy.text.length === total * reply.length);
  expect(greedy.take() === reply.repeat(total)).toBe(true);
});

story("many clients that ask without a pause take short turns: others are served between them", async (stage) => {
  const supervisor = await serve(stage);
  const other = await stage.connect();
  const crowd = await Promise.all(Array.from({ length: 20 }, () => speaker(stage, supervisor)));
  for (const connection of crowd) connection.send("b 11 create 0 0 0 ".repeat(10_000));
  const requests = async () => (await other.status()).counters.requests;
  await eventually("they are served", async () => (await requests()) > 10_000);
  const served: number[] = [];
  for (let before = await requests(); served.length < 20; ) {
    const now = await requests();
    served.push(now - before);
    before = now;
  }
  const atOnce = served.sort((one, more) => one - more)[10] as number;
  expect(atOnce).toBeGreaterThan(20);
  expect(atOnce).toBeLessThan(20 * 100);
});

story("commands for a pin that is full wait, and so does their client; nobody else does", async (stage) => {
  const supervisor = await serve(stage, "", "--limit", "queuedCommands=4");
  const [program, next] = [await speaker(stage, supervisor), await speaker(stage, supervisor)];
  const before = supervisor.residentBytes;
  await say(program, "b 11 create 0 0 0", "!");
  const total = 20_000;
  program.send("b 11 off 60000 0 0 ");
  for (let sent = 0; sent < total; sent += 1000) program.send("b 11 off 0.1 0 0 ".repeat(1000));
  await eventually("as many as there is room for are accepted", () => program.text === QUEUED.repeat(5));
  await say(next, "b 13 create 0 0 0", "!");
  for (let round = 0; round < 100; round++) await say(next, "b 13 toggle 0 0 0", QUEUED);
  expect(program.take()).toBe(QUEUED.repeat(5));
  expect(supervisor.residentBytes - before).toBeLessThan(BOUND_BYTES);
});

story("a program that ends while a pin of its own is full: its other pins close at once", async (stage) => {
  const supervisor = await serve(stage, "", "--limit", "queuedCommands=1");
  const [program, other] = [await speaker(stage, supervisor), await stage.connect()];
  await say(program, "b 11 create 0 0 0 b 11 off 60000 0 0 b 11 off 60000 0 0", `!${QUEUED}${QUEUED}`);
  await say(program, "b 13 create 0 0 0 b 13 on 0 0 0", `!${QUEUED}`);
  program.send("b 11 on 0 0 0 ");
  await eventually("it waits", async () => (await other.status()).clients.some(({ subscriptions }) => subscriptions === 1));
  program.destroy();
  await eventually("the other one is off and free", async () => (await other.read("GPIO27")).state === "closed");
  expect(await other.read("GPIO17")).toMatchObject({ state: "closing" });
});

story("more clients than there may be are told so, and keep none of this machine's own out", async (stage) => {
  const supervisor = await serve(stage, "", "--limit", "clients=4");
  const [first, second, third] = [await speaker(stage, supervisor), await speaker(stage, supervisor), await speaker(stage, supervisor)];
  for (const crowd of await Promise.all(Array.from({ length: 40 }, () => speaker(stage, supervisor)))) {
    await eventually("it is refused", () => crowd.ended);
    expect(crowd.take()).toStartWith("?? LIMIT_CLIENTS: ");
  }
  await say(first, "b 11 create 0 0 0", "!");
  await say(second, "b 13 create 0 0 0", "!");
  await say(third, "b 15 create 0 0 0", "!");
  expect((await (await stage.connect()).status()).clients).toHaveLength(4);
  expect(supervisor.errors.split('"msg":"client refused"').length - 1).toBeLessThan(20);
});

story("a supervisor that ends lets pins finish, refuses more meanwhile, and hangs up", async (stage) => {
  const supervisor = await serve(stage);
  const program = await speaker(stage, supervisor);
  await say(program, "b 11 create 0 0 0", "!");
  await say(program, "b 11 on 400 0 0", QUEUED);
  supervisor.kill("SIGTERM");
  await eventually("it shuts down", () => supervisor.errors.includes("shutting down"));
  program.send("b 11 on 10 0 0 b 13 create 0 0 0 ");
  await eventually("the connection is over", () => program.ended);
  expect(program.take()).toMatch(/^\? 11 on refused: PIN_CLOSING: .*\? 13 Led creation failure: SHUTTING_DOWN: /);
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
  expect(supervisor.errors).toContain(`, line 2: listen.remoteio: another program listens on 127.0.0.1, port ${port}`);
});

story("its clients may command the pins that the configuration lets them have, and no others", async (stage) => {
  const supervisor = await serve(stage, 'access = "line2"\n[access.line2]\ncommand = ["GPIO17"]\n');
  const program = await speaker(stage, supervisor);
  await say(program, "b 11 create 0 0 0", "!");
  program.send("b 13 create 0 0 0 ");
  await eventually("a reply", () =>
    program.text.startsWith("? 13 Led creation failure: FORBIDDEN: access.line2 gives no right to command GPIO27"),
  );
  await eventually("who was refused what is in the log", () => supervisor.errors.includes('"code":"FORBIDDEN"'));
});

story("it is for this machine's programs alone, unless the configuration says in so many words that it is not", async (stage) => {
  const closed = stage.startServe(stage.socket, ["--config", configured(stage, 'port = 0\naddress = "0.0.0.0"\n')]);
  expect(await closed.ready).toBe(false);
  expect(closed.errors).toContain("insecure = true");
  const open = await serve(stage, 'address = "0.0.0.0"\ninsecure = true\n');
  expect(open.errors).toContain("neither TLS nor tokens");
});
