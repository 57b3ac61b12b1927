import { writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { join } from "node:path";
import { connect } from "../../src/client/connect.ts";
import { freePort } from "../free-port.ts";
import { startSupervisor, stop } from "../supervisor.ts";
import { killFamily } from "./family-cpu.ts";

/** Gives a pin one command, and resolves when that has its reply. */
export type Command = (on: boolean) => Promise<unknown>;

/** A server, and the ways to command a pin of it. */
export interface Side<Way extends string> {
  readonly pid: number;
  readonly commands: Readonly<Record<Way, Command>>;
  end(): Promise<void>;
}

/** A supervisor: by remoteio's protocol, and by its own. @param folder for its socket and its configuration */
export async function holdfastSide(folder: string): Promise<Side<"text" | "own">> {
  const [socket, config, port] = [join(folder, "remoteio.sock"), join(folder, "remoteio.toml"), await freePort()];
  writeFileSync(config, `[listen.remoteio]\nport = ${port}\n`);
  const { child } = await startSupervisor(socket, "--config", config);
  const client = await connect({ socket, name: "bench" });
  const pin = await client.output(27);
  const text = await conversation(port);
  await text.say("b 11 create 0 0.0 0.0 ");
  return {
    pid: child.pid,
    commands: {
      text: (on) => text.say(`b 11 ${on ? "on" : "off"} 0 0.0 0.0 `),
      own: (on) => (on ? pin.on() : pin.off()),
    },
    end: async () => {
      text.end();
      await client.close();
      await stop(child);
    },
  };
}

/** The pattern of remoteio's own server. Null: there is no Python. */
export async function pollingSide(): Promise<Side<"text"> | null> {
  if (Bun.which("python3") === null) return null;
  const child = Bun.spawn(["python3", join(import.meta.dir, "polling_server.py")], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const { value = new Uint8Array() } = await child.stdout.getReader().read();
  const text = await conversation(Number(new TextDecoder().decode(value)));
  await text.say("dev_0 LED _create pin=11\n");
  return {
    pid: child.pid,
    commands: { text: (on) => text.say(`dev_0 LED ${on ? "on" : "off"} \n`) },
    end: async () => {
      text.end();
      killFamily(child.pid);
      await child.exited;
    },
  };
}

interface Conversation {
  /** Says one thing, and takes what comes for its reply: as remoteio's clients do, one at a time. */
  say(words: string): Promise<void>;
  end(): void;
}

function conversation(port: number): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    let replied = () => {};
    const socket = dial({ port, host: "127.0.0.1" });
    socket.setNoDelay(true).once("error", reject);
    socket.on("data", () => replied());
    const say = (words: string) =>
      new Promise<void>((resolveReply) => {
        replied = resolveReply;
        socket.write(words);
      });
    socket.once("connect", () => resolve({ say, end: () => socket.destroy() }));
  });
}
