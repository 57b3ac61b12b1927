// A program that has its supervisor within itself. It waters the garden when it is asked to over HTTP; other programs reach the
// other pins through the socket, as those of any supervisor.
//
//   bun garden.ts                                    on simulated pins
//   GPIO=chardev bun garden.ts                       on those of the board
//   curl -X POST 'localhost:8080/water?seconds=90'
//   curl localhost:8080

import { createServer } from "node:http";
import { ChardevBackend, createSupervisor, HoldfastError, RealClock, SimBackend } from "holdfast";

const { GPIO, PORT = "8080", SOCKET = "garden.sock" } = process.env;

await using supervisor = await createSupervisor({
  backend: GPIO === "chardev" ? new ChardevBackend() : new SimBackend({ clock: new RealClock() }),
  socket: SOCKET,
  // Whoever asks, and however often: the valve is never open for longer than ten minutes.
  pins: { GPIO17: { alias: "valve", maxOnMs: 600_000 } },
});
const holdfast = await supervisor.client({ name: "garden" });
const valve = await holdfast.output("valve", { mode: "nowait" });

const server = createServer(async ({ method, url = "/" }, response) => {
  try {
    const { pathname, searchParams } = new URL(url, "http://garden");
    if (method === "POST" && pathname === "/water") await valve.on({ durationMs: Number(searchParams.get("seconds") ?? 60) * 1000 });
    if (method === "POST" && pathname === "/stop") await valve.off();
    const { level } = await valve.read();
    response.end(level === 1 ? "watering\n" : "dry\n");
  } catch (error) {
    // What is wrong with a request is in the error: its code for programs, its message for people.
    response.statusCode = error instanceof HoldfastError ? 400 : 500;
    response.end(`${error}\n`);
  }
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(server.address()));

await new Promise((resolve) => process.once("SIGTERM", resolve).once("SIGINT", resolve));
server.close(); // and behind this line every pin is given back
