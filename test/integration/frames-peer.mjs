// One end of a pool, for Bun and for Node: `frames-peer.mjs LIBRARY SOCKET produce|consume POOL COUNT`. It prints what it saw as JSON.
const [library, socket, role, name, count] = process.argv.slice(2);
const { connect } = await import(library);

/** The byte at a place of a frame: of each frame another, and each line of it too. */
const byteAt = (seq, at) => (at * 31 + (at >> 8) * 7 + seq * 17) & 0xff;

/** How many bytes of a frame are used: not always all. */
const lengthOf = (seq, capacity) => capacity - (seq % 5) * 1001;

async function produce(pool) {
  for (let seq = 1; seq <= Number(count); seq++) {
    const slot = await pool.produce({ waitMs: 20_000 });
    const { data } = slot;
    for (let at = 0; at < data.length; at++) data[at] = byteAt(seq, at);
    const published = await slot.publish({ bytes: lengthOf(seq, data.length), timestampNs: BigInt(seq), meta: { mark: seq } });
    if (published.seq !== seq || data.length !== 0) throw new Error(`frame ${seq} became ${published.seq}`);
  }
  return {};
}

async function consume(pool) {
  const seen = { frames: 0, wrong: 0, torn: 0, invalid: 0, kept: 0 };
  for await (const frame of pool.frames({ group: "check", policy: "block", deadlineMs: 20_000 })) {
    const { data, seq } = frame;
    seen.frames++;
    const told = frame.timestampNs === BigInt(seq) && frame.meta.mark === seq && frame.lost === 0 && frame.revoked === false;
    if (!told || seq !== seen.frames || data.length !== lengthOf(seq, pool.layout.bytes)) seen.wrong++;
    if (data.some((value, at) => value !== byteAt(seq, at))) seen.wrong++;
    if (!frame.intact()) seen.torn++;
    if (!(await frame.release())) seen.invalid++;
    seen.kept += data.length;
    if (seq === Number(count)) break;
  }
  return seen;
}

const client = await connect({ socket, name: role });
const pool = await client.pool(name);
console.log(JSON.stringify(await { produce, consume }[role](pool)));
await pool.close();
await client.close();
