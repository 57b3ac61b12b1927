/**
 * `bun load.ts SOCKET PER_SECOND`: gives a supervisor so many commands a second, `on` and `off` in turn. Told anything over
 * IPC, it answers with how many have been answered so far.
 */
import { connect } from "../../src/client/connect.ts";

/** More than this in flight would not be a pace but a backlog. What could not be given in time is not made up for. */
const MOST_IN_FLIGHT = 256;

const [socket, perSecond] = process.argv.slice(2) as [string, string];
const client = await connect({ socket, name: "load" });
const pin = await client.output("GPIO22");
let given = 0;
let answered = 0;
process.on("message", () => process.send?.(answered));
process.on("disconnect", () => process.exit(0));

async function give(): Promise<void> {
  await (given++ % 2 === 0 ? pin.on() : pin.off());
  answered++;
}

for (let dueMs = performance.now(); ; ) {
  await Bun.sleep(1);
  const nowMs = performance.now();
  const due = Math.floor(((nowMs - dueMs) * Number(perSecond)) / 1000);
  dueMs += (due * 1000) / Number(perSecond);
  for (let left = due; left > 0 && given - answered < MOST_IN_FLIGHT; left--) void give();
}
