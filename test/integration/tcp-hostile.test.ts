import { expect } from "bun:test";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { encode } from "../../src/protocol/codec.ts";
import { certify } from "./certificates.ts";
import { authority, dial, serveTcp, TOKEN, tlsKeys } from "./network-stage.ts";
import { eventually, type Stage, story } from "./processes.ts";
import { RawConnection } from "./raw-connection.ts";

const hello = { id: 1, op: "hello", protocol: 1, name: "raw", token: TOKEN };

/** A connection that the test moves byte by byte, within TLS. @param begin it reads, unless this does otherwise */
async function encrypted(stage: Stage, port: number, begin = (connection: RawConnection) => connection.read()): Promise<RawConnection> {
  const socket = connectTls({ port, host: "localhost", ca: authority.certificate, allowHalfOpen: true } as Parameters<
    typeof connectTls
  >[0]);
  stage.resources.defer(() => socket.destroy());
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return begin(RawConnection.over(socket));
}

/** One that says nothing of TLS. */
async function plain(stage: Stage, port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  stage.resources.defer(() => socket.destroy());
  socket.on("error", () => {}).resume();
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

async function refusal(connection: RawConnection): Promise<unknown> {
  await eventually("the connection is over", () => connection.ended);
  return connection.messages;
}

story("whatever comes before hello is answered with a typed refusal, and the connection ends", async (stage) => {
  const { port } = await serveTcp(stage);
  const first: [bytes: Uint8Array, reply: object][] = [
    [encode({ id: 7, op: "ping" }), { id: 7, error: { code: "FORBIDDEN", field: "op" } }],
    [encode({ id: 7, op: "open", pin: "GPIO17", direction: "out" }), { id: 7, error: { code: "FORBIDDEN", field: "op" } }],
    [encode({ id: 8, op: "hello", protocol: 1, name: "raw" }), { id: 8, error: { code: "FORBIDDEN", field: "token" } }],
    [encode({ ...hello, id: 9, token: "hf_guess" }), { id: 9, error: { code: "FORBIDDEN", field: "token" } }],
    [encode({ ...hello, id: 9, more: 1 }), { id: 9, error: { code: "UNKNOWN_FIELD", field: "more" } }],
    [Uint8Array.of(0, 0, 0, 0), { id: null, error: { code: "BAD_LENGTH" } }],
    [Uint8Array.of(0xff, 0xff, 0xff, 0xff), { id: null, error: { code: "LIMIT_MESSAGE", limit: 4096 } }],
    [Uint8Array.of(0, 0, 0, 1, 0xff), { id: null, error: { code: "BAD_CBOR" } }],
    [encode({ ...hello, name: "x".repeat(5000) }), { id: null, error: { code: "LIMIT_MESSAGE" } }],
  ];
  for (const [bytes, reply] of first) {
    const connection = await encrypted(stage, port);
    connection.send(bytes);
    connection.request({ id: 99, op: "on", pin: "GPIO17" });
    expect(await refusal(connection)).toMatchObject([{ ok: false, ...reply }]);
  }
  const near = await stage.connect();
  expect((await near.status()).clients).toHaveLength(1);
});

story("a hello that comes byte by byte is understood, and what comes right behind one is answered in order", async (stage) => {
  const { port } = await serveTcp(stage);
  const slow = await encrypted(stage, port);
  for (const byte of encode(hello)) {
    slow.send(Uint8Array.of(byte));
    await Bun.sleep(1);
  }
  await eventually("it is answered", () => slow.messages.length === 1);
  const hasty = await encrypted(stage, port);
  const rest = Array.from({ length: 500 }, (_, index) => ({ id: index + 2, op: "ping" }));
  hasty.request(hello, ...rest);
  await eventually("all is answered", () => hasty.messages.length === 501);
  expect(hasty.messages.map(({ id, ok }) => [id, ok])).toEqual(Array.from({ length: 501 }, (_, index) => [index + 1, true]));
});

story("who connects and says nothing keeps nobody out, and is gone after a while", async (stage) => {
  const { port, url, supervisor } = await serveTcp(stage);
  const before = supervisor.residentBytes;
  const silent = await Promise.all(Array.from({ length: 300 }, () => plain(stage, port)));
  const unnamed = await Promise.all(Array.from({ length: 20 }, () => encrypted(stage, port)));
  const halfway = await plain(stage, port);
  halfway.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1));
  const far = await dial(stage, url);
  await (await far.output("GPIO17")).on();
  await eventually("they are gone", () => [...silent, halfway].every(({ destroyed }) => destroyed) && unnamed.every(({ ended }) => ended));
  await far.ping();
  expect(supervisor.residentBytes - before).toBeLessThan(64 * 1024 * 1024);
});

story("of those who say nothing of TLS, no more than a few are there at once", async (stage) => {
  const { port } = await serveTcp(stage);
  const silent = await Promise.all(Array.from({ length: 100 }, () => plain(stage, port)));
  await eventually("those who came first are gone", () => silent.filter(({ closed }) => closed).length === 36);
  expect(silent.slice(0, 36).every(({ closed }) => closed)).toBe(true);
});

story("garbage on the port, before TLS and within it, harms nobody, and is not kept", async (stage) => {
  const { port, url, supervisor } = await serveTcp(stage);
  const far = await dial(stage, url);
  const before = supervisor.residentBytes;
  for (let round = 0; round < 20; round++) {
    const bytes = crypto.getRandomValues(new Uint8Array(1 + round * 3000));
    const [outside, within] = [await plain(stage, port), await encrypted(stage, port)];
    outside.end(bytes);
    within.send(bytes);
    within.end();
    await far.ping();
    await eventually("the connections are over", () => outside.destroyed && within.ended);
    expect(within.messages.every(({ id, ok }) => id === null && ok === false)).toBe(true);
  }
  expect((await far.status()).clients).toHaveLength(1);
  expect(supervisor.residentBytes - before).toBeLessThan(64 * 1024 * 1024);
});

story("a client that reads nothing of what it asks for is not read from, and others are served; then it gets all", async (stage) => {
  const { port, url, supervisor } = await serveTcp(stage);
  const far = await dial(stage, url);
  await far.ping();
  const before = supervisor.residentBytes;
  const greedy = await encrypted(stage, port, (connection) => connection);
  const total = 5000;
  greedy.request(hello, ...Array.from({ length: total }, (_, index) => ({ id: index + 2, op: "pins" })));
  const pin = await far.output("GPIO17");
  for (let round = 0; round < 200; round++) await pin.toggle();
  expect(supervisor.residentBytes - before).toBeLessThan(64 * 1024 * 1024);
  greedy.read();
  await eventually("every reply has come", () => greedy.messages.length === total + 1);
  expect(greedy.messages.every(({ id, ok }, index) => id === index + 1 && ok === true)).toBe(true);
});

story("what was answered before the end reaches its client, and the end of a supervisor waits for nobody on the network", async (stage) => {
  const { port, url, supervisor } = await serveTcp(stage);
  const far = await dial(stage, url);
  for (let number = 0; number < 3; number++) await encrypted(stage, port);
  await plain(stage, port);
  await far.shutdown();
  expect(await supervisor.ended()).toBe(0);
});

story("no older TLS than 1.2 is spoken", async (stage) => {
  const { port } = await serveTcp(stage);
  const spoken = (maxVersion: "TLSv1.1" | "TLSv1.2") =>
    new Promise<string>((outcome) => {
      const options = { port, host: "localhost", ca: authority.certificate, minVersion: "TLSv1", maxVersion } as const;
      const socket = connectTls(options, () => outcome(`${socket.getProtocol()}`));
      stage.resources.defer(() => socket.destroy());
      socket.on("error", () => outcome("refused"));
    });
  expect([await spoken("TLSv1.1"), await spoken("TLSv1.2")]).toEqual(["refused", "TLSv1.2"]);
});

story("a session that is resumed shows no certificate that was not there, and makes no wrong one right", async (stage) => {
  const keys = `${tlsKeys(stage)}clientCertificates = "${stage.file("clients.pem", authority.certificate)}"\n`;
  const { port } = await serveTcp(stage, keys, "");
  const stranger = certify({ commonName: "door", issuer: certify({ commonName: "another authority" }) });
  for (const own of [{}, { cert: stranger.certificate, key: stranger.key }]) {
    for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
      const sessions: Buffer[] = [];
      for (let visit = 0; visit < 3; visit++) {
        const session = sessions.at(-1);
        const options = {
          port,
          host: "localhost",
          ca: authority.certificate,
          maxVersion,
          ...own,
          ...(session !== undefined && { session }),
        };
        const socket = connectTls(options);
        stage.resources.defer(() => socket.destroy());
        socket.on("session", (ticket) => sessions.push(ticket));
        await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
        const connection = RawConnection.over(socket).read();
        connection.request(hello);
        expect(await refusal(connection)).toMatchObject([{ ok: false, error: { code: "FORBIDDEN" } }]);
      }
    }
  }
});

story("a client that is let in is held to the same limits as one on this machine", async (stage) => {
  const { port, url } = await serveTcp(stage);
  const far = await dial(stage, url);
  const raw = await encrypted(stage, port);
  raw.request(hello);
  raw.send(Uint8Array.of(0x7f, 0xff, 0xff, 0xff));
  expect(await refusal(raw)).toMatchObject([
    { id: 1, ok: true },
    { id: null, ok: false, error: { code: "LIMIT_MESSAGE", limit: 65_536 } },
  ]);
  await far.ping();
});
