import { once } from "node:events";
import type { Command } from "commander";
import type { HoldfastClient } from "../../client/client.ts";
import type { Frame } from "../../client/frame.ts";
import type { FrameOptions } from "../../client/frame-stream.ts";
import { RealClock } from "../../clock/real.ts";
import { formatBytes } from "../../frames/bytes-in-words.ts";
import type { Policy } from "../../protocol/requests.ts";
import { dieOf, endSoftly } from "../interruption.ts";
import { counted, formatNs, paint, print, printJson } from "../print.ts";
import { withClient } from "../session.ts";
import { frameSaver, save } from "./saved-frame.ts";

/** What `holdfast frames tap` is told. */
export interface TapFlags {
  readonly group?: string;
  readonly policy?: Policy;
  readonly depth?: number;
  readonly deadline?: number;
  readonly maxHold?: number;
  readonly latest?: true;
  readonly count?: number;
  readonly save?: string;
  readonly summary?: true;
  readonly json?: true;
  readonly orphaned?: Orphaned;
}

/** What is known of a frame, as `--json` prints it. */
export interface Seen {
  readonly seq: number;
  readonly bytes: number;
  readonly timestampNs: bigint;
  /** When it came here, since its capture. */
  readonly ageMs: number;
  readonly lost: number;
  readonly meta: Readonly<Record<string, unknown>>;
}

/**
 * Prints the frames of a pool as they come, or saves them.
 * @throws HoldfastError, FileFailed
 */
export async function tapFrames(name: string, flags: TapFlags, command: Command): Promise<void> {
  const interruption = await withClient(command, async (client) => {
    if (flags.orphaned !== undefined) void endWithStdin(client, name, flags.orphaned);
    const pool = await client.pool(name);
    const take = flags.save === undefined ? null : await frameSaver(flags.save, pool.layout);
    const clock = new RealClock();
    const summary = new Summary();
    let left = flags.count ?? Number.POSITIVE_INFINITY;
    const frames = pool.frames(subscriptionOf(flags));
    // What leaves nothing unfinished ends at once.
    const interrupted = take !== null || flags.summary ? endSoftly(frames) : null;
    try {
      for await (using frame of frames) {
        const seen = look(frame, clock);
        const saved = take?.(frame);
        const fate = (await frame.release()) ? "valid" : frame.revoked ? "revoked" : "disconnected";
        const valid = fate === "valid";
        // What was read of a frame that was taken away meanwhile may be of another one.
        if (saved !== undefined && valid) await save(saved);
        const path = valid ? saved?.path : undefined;
        if (flags.summary) summary.add(seen, clock);
        else if (flags.json)
          await printJson({ ...seen, valid, revoked: fate === "revoked", ...(path === undefined ? {} : { saved: path }) });
        else await print(frameLine(seen, fate, path));
        left -= 1;
        if (left <= 0) break;
      }
    } finally {
      if (flags.summary) await (flags.json ? printJson(summary.fields()) : print(summary.line()));
    }
    return interrupted?.();
  });
  if (interruption) await dieOf(interruption);
}

/** What becomes of a consumer, and of its pool, when the process that has started it is there no more. */
export type Orphaned = "end" | "remove-pool";

/** Ends this process with its stdin: a pipe from the process that has started it, which closes however that one ends. */
async function endWithStdin(client: HoldfastClient, name: string, orphaned: Orphaned): Promise<never> {
  process.stdin.resume();
  await once(process.stdin, "close");
  // Others of its consumers may have been faster.
  if (orphaned === "remove-pool") await client.request("pool.remove", { pool: name }).catch(() => {});
  process.exit(1);
}

function subscriptionOf({
  group,
  policy,
  depth,
  deadline: deadlineMs,
  maxHold: maxHoldMs,
  latest: startWithLatest,
}: TapFlags): FrameOptions {
  return { group, policy, depth, deadlineMs, maxHoldMs, startWithLatest };
}

function look({ seq, bytes, timestampNs, lost, meta }: Frame, clock: RealClock): Seen {
  const ageMs = Math.round(clock.nowUs() - Number(timestampNs) / 1000) / 1000;
  return { seq, bytes, timestampNs, ageMs, lost, meta };
}

/** What became of a frame while it was read; what was read is the frame only when it is `valid`. */
type Fate = "valid" | "revoked" | "disconnected";

const fates: { readonly [F in Fate]: readonly string[] } = {
  valid: [],
  revoked: ["revoked: held for too long"],
  disconnected: ["the connection was lost while it was read"],
};

/** A frame for a person. @param path where it was saved */
export function frameLine({ seq, bytes, timestampNs, ageMs, lost }: Seen, fate: Fate, path?: string): string {
  const warnings = [...(lost === 0 ? [] : [`dropped ${lost}`]), ...fates[fate]];
  const told = [formatNs(timestampNs), `#${seq}`, formatBytes(bytes), `age ${ageMs.toFixed(1)} ms`, ...(path === undefined ? [] : [path])];
  return [...told, ...warnings.map((warning) => paint(process.stdout, "yellow", warning))].join("  ");
}

/** All frames of a tap in a few numbers, as `--summary --json` prints them. */
export interface TapSummary {
  readonly frames: number;
  readonly dropped: number;
  /** null: there were too few to tell. */
  readonly fps: number | null;
  /** null: there was none. */
  readonly ageMs: { readonly p50: number | null; readonly p99: number | null; readonly max: number | null };
}

/** Counts the frames of a tap. */
class Summary {
  readonly #agesMs: number[] = [];
  #lost = 0;
  #firstUs = 0;
  #lastUs = 0;

  add({ ageMs, lost }: Seen, clock: RealClock): void {
    this.#lastUs = clock.nowUs();
    if (this.#agesMs.length === 0) this.#firstUs = this.#lastUs;
    this.#agesMs.push(ageMs);
    this.#lost += lost;
  }

  fields(): TapSummary {
    const ages = this.#agesMs.toSorted((a, b) => a - b);
    const quantile = (share: number) => ages[Math.min(ages.length - 1, Math.floor(ages.length * share))] ?? null;
    const seconds = (this.#lastUs - this.#firstUs) / 1e6;
    return {
      frames: ages.length,
      dropped: this.#lost,
      fps: seconds === 0 ? null : (ages.length - 1) / seconds,
      ageMs: { p50: quantile(0.5), p99: quantile(0.99), max: ages.at(-1) ?? null },
    };
  }

  line(): string {
    const { frames, dropped, fps, ageMs } = this.fields();
    const ms = (value: number | null) => (value === null ? "-" : `${value.toFixed(2)} ms`);
    const pace = fps === null ? "" : `, ${fps.toFixed(1)} a second`;
    return `${counted(frames, "frame")}${pace}, ${dropped} dropped; age: half within ${ms(ageMs.p50)}, 99 % within ${ms(ageMs.p99)}, all within ${ms(ageMs.max)}`;
  }
}
