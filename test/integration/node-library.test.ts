import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { authority, file, tlsKeys } from "./network-stage.ts";
import { story } from "./processes.ts";

const library = join(import.meta.dir, "..", "..", "dist", "lib", "index.js");
if (!existsSync(library)) throw new Error(`there is no ${library}: run \`make lib\` first`);

story(
  "the library works in Node: as a client, embedded, on simulated time, serving a socket and a port with TLS, and with frames",
  async (stage) => {
    await stage.serve();
    tlsKeys(stage);
    file(stage, "ca.pem", authority.certificate);
    expect(await stage.run("node", join(import.meta.dir, "node-program.mjs"), library, stage.folder)).toEqual({
      status: 0,
      stdout: "talkToExecutable\nembed\nsimulateTime\nserve\nserveNetwork\nshareFrames\nrunOutOfSlots\nleaveWhileItIsRead\n",
      stderr: "",
    });
  },
);
