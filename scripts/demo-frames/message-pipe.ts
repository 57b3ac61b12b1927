import { createConnection, createServer, type Socket } from "node:net";

/** Two processes that pass small messages in order, either way. */
export interface MessagePipe<Sent, Received> {
  send(message: Sent): void;
  /** The next message, when it comes; null: the other side has ended. */
  receive(): Promise<Received | null>;
  end(): void;
}

/** Waits at a socket for the other side. */
export function listen<Sent, Received>(path: string): Promise<MessagePipe<Sent, Received>> {
  return new Promise((connected) => {
    const server = createServer((socket) => {
      server.close();
      connected(pipe(socket));
    });
    server.listen(path);
  });
}

/** Connects to the side that listens, as soon as it does. */
export async function dial<Sent, Received>(path: string): Promise<MessagePipe<Sent, Received>> {
  for (;;) {
    const socket = createConnection(path);
    const connected = await new Promise((settled) => {
      socket.once("connect", () => settled(true));
      socket.once("error", () => settled(false));
    });
    if (connected) return pipe(socket);
    await Bun.sleep(10);
  }
}

/** A message is a line of JSON. */
function pipe<Sent, Received>(socket: Socket): MessagePipe<Sent, Received> {
  const arrived: (Received | null)[] = [];
  const waiting: ((message: Received | null) => void)[] = [];
  const take = (message: Received | null) => {
    const next = waiting.shift();
    if (next === undefined) arrived.push(message);
    else next(message);
  };
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(JSON.parse(line));
  });
  socket.on("error", () => {});
  socket.once("close", () => take(null));
  return {
    send: (message) => socket.write(`${JSON.stringify(message)}\n`),
    receive: () => {
      const message = arrived.shift();
      return message === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(message);
    },
    end: () => socket.end(),
  };
}
