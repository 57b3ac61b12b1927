/** The executable. Its threads enter here too: the first import is where the one that reads edges stays. */
import "./gpio/chardev/edges.ts";
import { isMainThread } from "node:worker_threads";
import { run } from "./cli/program.ts";

if (isMainThread) void run(process.argv.slice(2));
