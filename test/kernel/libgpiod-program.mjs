// A program for Node: `node libgpiod-program.mjs SOCKET`. A supervisor on the machine's chips, until a client ends it. SIGUSR2 collects rubbish.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createSupervisor, LibgpiodBackend } from "../../dist/lib/src/index.js";

setFlagsFromString("--expose-gc");
process.on("SIGUSR2", () => runInNewContext("gc")());

const [socket] = process.argv.slice(2);
const supervisor = await createSupervisor({ backend: new LibgpiodBackend(), socket });
await supervisor.stopped;
process.exit();
