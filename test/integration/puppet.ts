/** A client process: `bun puppet.ts SOCKET NAME`. It does what the test that started it tells it over IPC, and answers. */
import { connect, type EventOf, type HoldfastClient, type Op, type ReplyOf } from "../../src/index.ts";
import type { Fields } from "../../src/protocol/requests.ts";

/** What a watch has brought so far. */
export interface Seen {
  /** Events that came. */
  readonly events: number;
  /** Events that did not, as the others tell. */
  readonly lost: number;
  readonly lastSeq: number;
  /** Each event's `seq` followed from the one before and from `lost`, and levels took turns when nothing was lost. */
  readonly consistent: boolean;
}

/** What a puppet can do. */
export interface Puppetry {
  request<O extends Op>(op: O, fields: Fields<O>): Promise<ReplyOf<O>>;
  /** Watches a pin from now on. */
  watch(pin: string): Promise<void>;
  seen(): Seen;
  /** Connects many clients of its own; each opens a shared output, pings and commands it. @returns how many did all that */
  crowd(size: number, socket: string): Promise<number>;
}

function puppetry(client: HoldfastClient): Puppetry {
  let seen: Seen = { events: 0, lost: 0, lastSeq: 0, consistent: true };
  let level: number | undefined;
  const see = ({ seq, lost, level: next }: EventOf<"edge">) => {
    const follows = seq === seen.lastSeq + 1 + lost && (lost > 0 || next !== level);
    seen = { events: seen.events + 1, lost: seen.lost + lost, lastSeq: seq, consistent: seen.consistent && follows };
    level = next;
  };
  return {
    request: (op, fields) => client.request(op, fields),
    async watch(pin) {
      const input = await client.input(pin);
      const edges = await input.edges();
      void (async () => {
        for await (const edge of edges) see(edge);
      })();
    },
    seen: () => seen,
    async crowd(size, socket) {
      const members = await Promise.all(Array.from({ length: size }, (_, member) => joinCrowd(member, socket)));
      return members.filter((done) => done).length;
    },
  };
}

async function joinCrowd(member: number, socket: string): Promise<boolean> {
  const client = await connect({ socket, name: `member ${member}` });
  const pin = await client.output(2 + (member % 26), { share: true });
  await client.request("ping", {});
  const { command } = await pin.toggle();
  const { timestampNs } = await pin.read();
  return command > 0 && timestampNs > 0n;
}

if (import.meta.main) {
  const [socket, name] = process.argv.slice(2) as [string, string];
  const able = puppetry(await connect({ socket, name })) as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  process.on("message", async ({ call, what, args }: { call: number; what: string; args: readonly unknown[] }) => {
    try {
      process.send?.({ call, value: await able[what]?.(...args) });
    } catch (error) {
      const { code, message } = error as { readonly code?: string; readonly message: string };
      process.send?.({ call, error: { code, message } });
    }
  });
  process.send?.({ call: 0 });
}
