/** What the bytes of one command cost, without socket, supervisor and pin. Prints µs a message as JSON. */
import { decode, encode } from "../src/protocol/codec.ts";
import { defaultLimits } from "../src/protocol/limits.ts";
import { parseRequest } from "../src/protocol/requests.ts";
import { median } from "./medians.ts";

/** Each step by itself, in µs of the process, and all three in turn. */
export interface MessageFigures {
  readonly decodeUs: number;
  readonly parseUs: number;
  readonly encodeUs: number;
  readonly allUs: number;
}

const ROUNDS = 7;
const MESSAGES = 100_000;

/** A request and a reply as they come in the middle of a long run. */
const request = { id: 100_000, op: "on", pin: "GPIO17" };
const reply = { id: 100_000, ok: true, state: "on", queued: 0, command: 100_000 };

/** The sizes of their frames, in bytes. */
export const frameBytes = { request: encode(request).length, reply: encode(reply).length };

function usPerMessage(step: () => unknown): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let message = 0; message < MESSAGES; message++) step();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / MESSAGES;
  });
  return median(rounds);
}

if (import.meta.main) {
  const frame = encode(request).subarray(4);
  const message = decode(frame, defaultLimits);
  const figures: MessageFigures = {
    decodeUs: usPerMessage(() => decode(frame, defaultLimits)),
    parseUs: usPerMessage(() => parseRequest(message)),
    encodeUs: usPerMessage(() => encode(reply)),
    allUs: usPerMessage(() => {
      parseRequest(decode(frame, defaultLimits));
      encode(reply);
    }),
  };
  console.log(JSON.stringify(figures));
}
