/** The least that a server on a Unix socket can do: `bun echo.ts SOCKET` sends back what it gets. */
import { createServer } from "node:net";

createServer((socket) => socket.on("data", (chunk) => socket.write(chunk))).listen(process.argv[2]);
