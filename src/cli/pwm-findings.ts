import { accessSync, constants as fsConstants } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../config/read-config.ts";
import { SysfsPwm } from "../gpio/pwm/outputs.ts";
import { PWM_FOLDER, pwmChips } from "../gpio/pwm/sysfs.ts";
import { keyOf } from "../protocol/assert-config.ts";
import type { Finding } from "./findings.ts";

/** Gives PWM to the group gpio: a chip's files when it is found, a channel's when it is exported. */
const udevRule =
  `sudo groupadd -f gpio && echo 'SUBSYSTEM=="pwm*", RUN+="/bin/chgrp -R gpio /sys%p", RUN+="/bin/chmod -R g=u /sys%p"' | ` +
  "sudo tee /etc/udev/rules.d/60-pwm.rules && sudo udevadm control --reload && sudo udevadm trigger -s pwm";

/**
 * Looks at the channels of hardware PWM that the configuration assigns to pins. Nothing, where it assigns none, or can't be read: that is
 * found elsewhere.
 * @param isServed a supervisor with real chips answers; whether this user may write then matters to nobody
 * @param configPath of the configuration file, unless it is the default one
 * @param folder where the chips are
 */
export async function pwmFindings(isServed: boolean, configPath?: string, folder = PWM_FOLDER): Promise<Finding[]> {
  const pins = await readConfig(configPath).then(
    ({ config }) => Object.entries(config.pins),
    () => [],
  );
  return pins.flatMap(([name, { pwm }]) => (pwm === undefined ? [] : channelFinding(keyOf(["pin", name, "pwm"]), pwm, isServed, folder)));
}

function channelFinding(subject: string, name: string, isServed: boolean, folder: string): Finding[] {
  let found: ReturnType<SysfsPwm["find"]>;
  try {
    found = new SysfsPwm({ folder }).find(name);
  } catch {
    // It is a mistake of the configuration, which is found with all of these.
    return [];
  }
  const chips = pwmChips(folder);
  const chip = chips.find(({ path }) => path === found?.chip);
  if (found === null || chip === undefined) {
    const known = chips.map((each) => each.device ?? each.name);
    const finding = `there is no such PWM chip: ${name}; ${known.length === 0 ? "this machine has none" : `there is ${known.join(", ")}`}`;
    const remedy = "On a Raspberry Pi: dtoverlay=pwm in /boot/firmware/config.txt, and start it again";
    return [{ subject, verdict: "fail", finding, remedy }];
  }
  const finding = `${name} is channel ${found.channel} of ${chip.channels} of ${chip.name}`;
  if (!isServed && !isWritable(join(chip.path, "export"))) {
    const remedy = `Run the supervisor as root; or ${udevRule}`;
    return [{ subject, verdict: "fail", finding: `${finding}, which this user may not write to`, remedy }];
  }
  if (chip.device === null || name.startsWith(`${chip.device}/`)) return [{ subject, verdict: "ok", finding }];
  const remedy = `Its number may be another after an update of the kernel: write ${chip.device}/${found.channel}`;
  return [{ subject, verdict: "warn", finding, remedy }];
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, fsConstants.W_OK);
    return true;
  } catch {
    return false;
  }
}
