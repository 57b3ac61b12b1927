/** The executable. Its threads enter here too: the first imports are where the one that reads edges and the one that plays waves stay. The one of a user's actor begins in the third. */
import "./gpio/chardev/edges.ts";
import "./gpio/chardev/waves/thread.ts";
import "./user-actors/actor-thread.ts";
import { isMainThread } from "node:worker_threads";

// A thread has no use for the rest, which would take its memory.
if (isMainThread) {
  const { run } = await import("./cli/program.ts");
  void run(process.argv.slice(2));
}
