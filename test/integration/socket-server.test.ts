import { expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { SocketServer } from "../../src/transports/socket-server.ts";
import { dial } from "./byte-connection.ts";

/** A server with some connections, of which it has heard. */
async function crowd(size: number): Promise<{ served: SocketServer; accepted: Set<Socket>; visitors: Socket[] }> {
  const accepted = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.add(socket.on("error", () => {}).resume());
    socket.on("close", () => accepted.delete(socket));
  });
  const served = new SocketServer(server, { clients: size });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const visitors: Socket[] = [];
  for (let number = 1; number <= size; number++) {
    const heard = once(server, "connection");
    visitors.push(await dial({ port, host: "127.0.0.1" }));
    await heard;
  }
  return { served, accepted, visitors };
}

test("when a server is closed, each of its connections has told that it is over: what these held is free", async () => {
  const { served, accepted, visitors } = await crowd(5);
  for (const visitor of visitors) visitor.on("error", () => {}).resume();
  expect(accepted.size).toBe(5);
  await served.close();
  expect(accepted.size).toBe(0);
  for (const visitor of visitors) visitor.destroy();
});

test("who does not read what was sent last does not keep a server from being closed", async () => {
  const { served, accepted, visitors } = await crowd(2);
  for (const socket of accepted) socket.write(new Uint8Array(64 * 1024 * 1024));
  await served.close();
  expect(accepted.size).toBe(0);
  for (const visitor of visitors) visitor.on("error", () => {}).destroy();
});
