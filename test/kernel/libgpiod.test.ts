import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { codeOf, eventually, type Stage } from "../integration/processes.ts";
import { chipStory } from "./chip-story.ts";

/** The guests of another architecture than the machine's have no Node. */
const hasNode = existsSync("/bin/node");

/** A supervisor in Node, on the chips that libgpiod finds, which serves the stage's socket; and a client of it. */
async function serveFromNode(stage: Stage) {
  const program = Bun.spawn(["node", join(import.meta.dir, "libgpiod-program.mjs"), stage.socket], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  stage.resources.defer(() => program.kill("SIGKILL"));
  await eventually("the supervisor in Node", () => existsSync(stage.socket) || program.exitCode !== null);
  return { program, client: await stage.connect() };
}

if (hasNode) {
  chipStory("a supervisor in Node finds the chip through libgpiod and drives its lines, one by one and in groups", async (chip, stage) => {
    const { client } = await serveFromNode(stage);
    expect((await client.status()).backend).toBe("libgpiod");
    const led = await client.output("GPIO17", { initial: 1 });
    expect(chip.level(17)).toBe(1);
    await led.off();
    expect(chip.level(17)).toBe(0);
    expect((await led.blink({ onMs: 5, offMs: 5, n: 3, ack: "done" })).outcome).toBe("done");
    await led.on();
    await led.close();

    const low = await client.output("GPIO22", { activeLow: true, initial: 1 });
    expect(chip.level(22)).toBe(0);
    await low.off();
    expect(chip.level(22)).toBe(1);

    const motor = await client.output("GPIO5+GPIO6+GPIO13");
    await motor.write([1, 0, 1]);
    expect([5, 6, 13].map((offset) => chip.level(offset))).toEqual([1, 0, 1]);
    expect((await motor.read()).levels).toEqual([1, 0, 1]);
  });

  chipStory("an input in Node is read with its pull, turned round and turned into an output, but not watched", async (chip, stage) => {
    const { client } = await serveFromNode(stage);
    const button = await client.input("GPIO4", { bias: "pull-up" });
    expect((await button.read()).level).toBe(1);
    chip.drive(4, 0);
    expect((await button.read()).level).toBe(0);
    await client.request("configure", { pin: "GPIO4", activeLow: true });
    // The kernel's simulator has pulled the wire up anew.
    expect((await button.read()).level).toBe(0);
    chip.drive(4, 0);
    expect((await button.read()).level).toBe(1);
    expect(await codeOf(button.edges())).toBe("LINE_UNSUPPORTED");
    expect(await codeOf(client.input("GPIO23", { debounceUs: 5000 }))).toBe("LINE_UNSUPPORTED");
    await client.request("configure", { pin: "GPIO4", direction: "out", activeLow: false });
    await client.request("on", { pin: "GPIO4" });
    expect(chip.level(4)).toBe(1);
    chip.drive(27, 1);
    expect((await client.read("GPIO27")).level).toBe(1);
  });

  chipStory("libgpiod gives lines back, and one of another program is busy by its name", async (chip, stage) => {
    const { client, program } = await serveFromNode(stage);
    const other = Bun.spawn(["gpiomon", chip.name, "17"], { stdin: "ignore", stdout: "ignore" });
    stage.resources.defer(() => other.kill("SIGKILL"));
    const opening = () => codeOf(client.output("GPIO17").then((pin) => pin.close()));
    await eventually("gpiomon has the line", async () => (await opening()) === "LINE_BUSY");
    await expect(client.output("GPIO17")).rejects.toMatchObject({ code: "LINE_BUSY", details: { consumer: "gpiomon" } });
    other.kill("SIGKILL");
    await other.exited;
    // What the addon made for the lines of before may be collected: the line is not given back by that.
    for (let time = 0; time < 50; time++) await (await client.output("GPIO17", { initial: 1 })).close();
    for (let time = 0; time < 50; time++) await (await client.output("GPIO17+GPIO22")).close();
    const held = await client.output("GPIO17", { initial: 1 });
    program.kill("SIGUSR2");
    for (let time = 0; time < 50; time++) expect((await held.read()).level).toBe(1);
    await held.close();
    await client.shutdown();
    expect(await program.exited).toBe(0);
    expect(await Bun.spawn(["gpioget", chip.name, "17"], { stdout: "ignore" }).exited).toBe(0);
  });

  chipStory("a chip that goes is LINE_LOST in Node when its line is used next, and one that comes is found", async (chip, stage) => {
    const { client } = await serveFromNode(stage);
    const led = await client.output("GPIO17");
    chip.remove();
    expect(await codeOf(led.read())).toBe("LINE_LOST");
    await eventually("no pins", async () => (await client.pins()).every(({ pin }) => pin !== "GPIO4"));
  });
}
