/** A pool of holdfast's. `bun holdfast-pool.ts producer|consumer FOLDER RUN_MS`, one process each; the supervisor's socket is in the folder. */
import { join } from "node:path";
import { timestampNs } from "../../src/clock/clock.ts";
import { connect } from "../../src/index.ts";
import { camera, clock, draw, POOL, Witness } from "./workload.ts";

/** What the producer says of a frame. */
interface Meta {
  readonly number: number;
  readonly last: boolean;
}

const [role, folder, runMs] = process.argv.slice(2) as [string, string, string];
await using client = await connect({ socket: join(folder, "holdfast.sock"), name: role });
await using pool = await client.pool(POOL);

async function produce(): Promise<void> {
  const hasConsumer = async () => (await client.pools()).some(({ groups }) => groups.length > 0);
  while (!(await hasConsumer())) await Bun.sleep(10);
  for await (const meta of camera(Number(runMs))) {
    using frame = await pool.produce();
    draw(frame.data, meta.number);
    await frame.publish({ timestampNs: timestampNs(clock), meta: { ...meta } });
  }
}

async function consume(): Promise<void> {
  const witness = new Witness();
  for await (using frame of pool.frames({ policy: "latest" })) {
    const { number, last } = frame.meta as unknown as Meta;
    await witness.work(frame.data, number, Number(frame.timestampNs) / 1e6);
    if (last) break;
  }
  console.log(JSON.stringify(witness.sighting));
}

await (role === "producer" ? produce() : consume());
