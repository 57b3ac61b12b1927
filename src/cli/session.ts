import type { Command } from "commander";
import { type Address, addressInWords } from "../client/address.ts";
import type { HoldfastClient } from "../client/client.ts";
import { connectToFirst } from "../client/connect.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { type Destination, destinationOf } from "./destination.ts";
import { fullName } from "./full-name.ts";

/** How long a supervisor may take to greet a command, in ms. One that runs does so at once. */
const GREETING_MS = 5000;

/**
 * A supervisor that is stopped, or that hangs, has its connections accepted by the kernel and never answers.
 * @throws HoldfastError `DISCONNECTED` then, and what `connectToFirst` throws
 */
async function greeted({ addresses, credentials }: Destination, name: string): ReturnType<typeof connectToFirst> {
  let impatience: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    const tried = addresses.map(addressInWords);
    const message = `what serves ${tried.join(" or ")} takes connections and does not answer: it is stopped, or hangs`;
    const error = new HoldfastError("DISCONNECTED", message, { paths: tried });
    impatience = setTimeout(() => reject(error), GREETING_MS);
  });
  try {
    return await Promise.race([connectToFirst(addresses, { name, ...credentials }), silence]);
  } finally {
    clearTimeout(impatience);
  }
}

/** How often a command looks whether the supervisor still answers, in ms, and how many looks may go by without an answer. */
const LOOK_EVERY_MS = 2000;
const LOOKS = 2;

/**
 * Says on stderr, once, when the supervisor does not answer any more. Nothing ends for it: how long a command takes nobody
 * knows here, and a supervisor that was stopped may go on.
 * @returns what to call when nobody waits any more
 */
function lookAfter(client: HoldfastClient, socket: string): () => void {
  let unanswered = 0;
  const looking = setInterval(() => {
    if (unanswered === 0) {
      client.ping().then(
        () => {
          unanswered = 0;
        },
        () => {},
      );
    }
    unanswered += 1;
    if (unanswered <= LOOKS) return;
    clearInterval(looking);
    process.stderr.write(`holdfast: what serves ${socket} does not answer any more: it is stopped, or hangs. Still waiting for it.\n`);
  }, LOOK_EVERY_MS);
  return () => clearInterval(looking);
}

/**
 * Does the work of a command as a client, named after the command, and lets go of what it holds in the end. When that has
 * resolved, the supervisor has let go of it too: what the shell starts next finds the pin free.
 */
export async function withClient<T>(command: Command, work: (client: HoldfastClient, address: Address) => Promise<T>): Promise<T> {
  const { client, address } = await greeted(destinationOf(command), fullName(command));
  const stopLooking = lookAfter(client, addressInWords(address));
  try {
    return await work(client, address);
  } finally {
    await client.close();
    stopLooking();
  }
}
