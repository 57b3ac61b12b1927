import { describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, executable } from "./processes.ts";
import { type Shell, shellStory } from "./shell.ts";

/** Waits until so many subscriptions are there. */
function subscribed(shell: Shell, subscriptions: number): Promise<void> {
  return eventually(`${subscriptions} subscriptions`, async () => {
    const { clients } = await shell.status();
    return clients.reduce((sum, client) => sum + client.subscriptions, 0) === subscriptions;
  });
}

/** Lines without their times. */
function untimed(out: string): string[] {
  return out
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^\d+\.\d{9} {2}/, ""));
}

describe("pub and sub", () => {
  shellStory("tell what one shell says to others, by their filters", async (shell) => {
    const [doors, all] = [shell.start("sub", "door/+", "-n", "2"), shell.start("sub", "#", "alarm", "-n", "4")];
    await subscribed(shell, 3);
    expect(await shell.ok("pub", "door/front", "open")).toBe("");
    await shell.ok("pub", "door/front/state", "rattles");
    await shell.ok("pub", "door/back", "[1.5, null, true]", "--json");
    await shell.ok("pub", "bell");
    const ended = await doors.ended;
    expect(ended).toMatchObject({ status: 0, err: "" });
    expect(untimed(ended.out)).toEqual(["door/front  open", "door/back  [1.5,null,true]"]);
    expect(untimed((await all.ended).out)).toEqual(["door/front  open", "door/front/state  rattles", "door/back  [1.5,null,true]", "bell"]);
  });

  shellStory("keep a value with --retain, until it is taken away", async (shell) => {
    await shell.ok("pub", "door", "open", "--retain");
    expect(untimed(await shell.ok("sub", "#", "-n", "1"))).toEqual(["door  open  retained"]);
    const [line = ""] = (await shell.ok("sub", "#", "-n", "1", "--json")).split("\n");
    expect(JSON.parse(line)).toEqual({
      ev: "message",
      topic: "door",
      value: "open",
      retained: true,
      timestampNs: expect.any(Number),
      by: "holdfast pub",
      lost: 0,
    });
    const kept = (await shell.ok("topics")).trimEnd().split("\n");
    expect(kept.map((row) => row.replace(/\d+\.\d{9}/, "T").split(/ {2,}/))).toEqual([
      ["TOPIC", "BYTES", "PUBLISHED", "BY", "SUBSCRIPTIONS"],
      ["door", "5", "T", "holdfast pub", "0"],
    ]);
    await shell.ok("pub", "door", "--retain");
    expect(await shell.ok("topics")).toBe("");
    const next = shell.start("sub", "#", "-n", "1");
    await subscribed(shell, 1);
    await shell.ok("pub", "bell", "--", "-5");
    expect(untimed((await next.ended).out)).toEqual(["bell  -5"]);
  });

  shellStory("take bytes, or JSON, from a file", async (shell) => {
    const values = shell.start("sub", "#", "-n", "2", "--json");
    await subscribed(shell, 1);
    writeFileSync(join(shell.folder, "value.json"), '{"degrees": 21.5}\n');
    await shell.ok("pub", "kitchen", "--json", "--file", "value.json");
    const piped = await shell.startAs(["sh", "-c", `printf '\\001\\377' | ${executable} pub raw --file -`]).ended;
    expect(piped).toEqual({ status: 0, out: "", err: "" });
    const lines = (await values.ended).out.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).value)).toEqual([{ degrees: 21.5 }, "Af8="]);
  });

  shellStory("say what is wrong with what was typed", async (shell) => {
    const { status, err } = await shell.run("pub", "door/#", "open");
    expect({ status, err }).toEqual({
      status: 2,
      err: "BAD_FIELD: topic: must not hold + or #, which are for filters.\n  How it is written: holdfast pub --help\n",
    });
    expect(await shell.run("sub", "door/#/state")).toMatchObject({ status: 2, err: expect.stringContaining("topic: may have + only") });
    expect(await shell.run("pub", "door", "{", "--json")).toMatchObject({ status: 2, err: expect.stringContaining("is no JSON") });
    expect(await shell.run("pub", "door", "--file", "nowhere")).toMatchObject({
      status: 1,
      err: expect.stringContaining("nowhere can't be read"),
    });
    expect(await shell.run("pub", "door", "open", "--file", "-")).toMatchObject({ status: 2, err: expect.stringContaining("one value") });
  });

  shellStory(
    "say when no more topics may keep a value",
    async (shell) => {
      await shell.ok("pub", "a", "1", "--retain");
      const { status, err } = await shell.run("pub", "b", "1", "--retain");
      expect(status).toBe(1);
      expect(err).toStartWith("LIMIT_TOPICS: 1 topics may keep a value.\n");
    },
    "--limit",
    "topics=1",
  );

  shellStory("slow nobody where one is stopped: it loses its oldest messages, and is told how many", async (shell, stage) => {
    const messages = 600;
    const pad = "x".repeat(10_000);
    const [stopped, reader, publisher] = [shell.start("sub", "#", "--json"), await stage.connect(), await stage.connect()];
    const heard = await reader.topic("count");
    await subscribed(shell, 2);
    stopped.kill("SIGSTOP");
    for (let number = 1; number <= messages; number += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => publisher.publish("count", { number: number + index, pad })));
    }
    for (let number = 1; number <= messages; number++) {
      expect((await heard.next()).value).toMatchObject({ value: { number }, lost: 0 });
    }
    stopped.kill("SIGCONT");
    const told = () => stopped.out.slice(0, stopped.out.lastIndexOf("\n")).split("\n");
    await eventually("the last message has come", () => told().at(-1)?.includes(`"number":${messages},`) === true);
    let due = 0;
    for (const line of told()) {
      const { value, lost } = JSON.parse(line);
      due += lost + 1;
      expect(value.number).toBe(due);
    }
    expect(told().length).toBeLessThan(messages);
  });

  shellStory("show a terminal no control characters of what others have said", async (shell) => {
    const sub = shell.start("sub", "#", "-n", "1");
    await subscribed(shell, 1);
    await shell.ok("pub", "a", "\x1b[2Jgone");
    expect(untimed((await sub.ended).out)).toEqual(["a  \ufffd[2Jgone"]);
  });
});
