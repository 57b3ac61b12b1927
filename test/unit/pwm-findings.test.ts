import { afterEach, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pwmFindings } from "../../src/cli/pwm-findings.ts";
import { PwmKernel, pi3 } from "./pwm-kernel.ts";

const kernels: PwmKernel[] = [];
afterEach(() => {
  for (const kernel of kernels.splice(0)) kernel.delete();
});

/** What is found of `[pin.GPIO18] pwm = …`. */
async function find(pwm: string | null, kernel = new PwmKernel(pi3), isServed = false) {
  kernels.push(kernel);
  const config = join(kernel.folder, "holdfast.toml");
  writeFileSync(config, pwm === null ? "[pin.GPIO18]\n" : `[pin.GPIO18]\npwm = "${pwm}"\n`);
  return pwmFindings(isServed, config, kernel.folder);
}

test("a channel by its device is well, and one by its number may be another one day", async () => {
  expect(await find("3f20c000.pwm/1")).toEqual([
    { subject: "pin.GPIO18.pwm", verdict: "ok", finding: "3f20c000.pwm/1 is channel 1 of 2 of pwmchip0" },
  ]);
  expect(await find("pwmchip0/1")).toMatchObject([{ verdict: "warn", remedy: expect.stringContaining("write 3f20c000.pwm/1") }]);
});

test("a chip that is not there has a remedy; a channel that its chip has not is a mistake of the configuration", async () => {
  expect(await find("1f00098000.pwm/2")).toMatchObject([
    {
      verdict: "fail",
      finding: "there is no such PWM chip: 1f00098000.pwm/2; there is 3f20c000.pwm",
      remedy: expect.stringContaining("dtoverlay=pwm"),
    },
  ]);
  expect(await find("3f20c000.pwm/0", new PwmKernel())).toMatchObject([{ finding: expect.stringContaining("this machine has none") }]);
  expect(await find("3f20c000.pwm/2")).toEqual([]);
});

test("a chip that may not be written to has one too, unless a supervisor writes to it", async () => {
  const closed = () => {
    const kernel = new PwmKernel(pi3);
    // Root may write to any file, and to none that is not there.
    rmSync(join(kernel.folder, "pwmchip0", "export"));
    return kernel;
  };
  expect(await find("3f20c000.pwm/0", closed())).toMatchObject([{ verdict: "fail", remedy: expect.stringContaining("udev") }]);
  expect(await find("3f20c000.pwm/0", closed(), true)).toMatchObject([{ verdict: "ok" }]);
});

test("without a channel in the configuration, or without a configuration, there is nothing to find", async () => {
  expect(await find(null)).toEqual([]);
  expect(await pwmFindings(false, "/nonexistent/holdfast.toml")).toEqual([]);
});
