import { describe, expect, test } from "bun:test";
import { accessRemedy } from "../../src/cli/access.ts";
import { environment, kernel, membership, waveFinding } from "../../src/cli/findings.ts";

const GPIO = 986;
const groups = `root:x:0:\ngpio:x:${GPIO}:pi,newcomer\n`;
const node = { path: "/dev/gpiochip0", gid: GPIO, mode: 0o20660 };

describe("the remedy for a chip that may not be opened", () => {
  test("join the group that owns it", () => {
    expect(accessRemedy(node, { name: "ada", uid: 1001, gids: [1001] }, groups)).toBe("sudo usermod -aG gpio ada, then log in again");
  });

  test("whatever that group is called", () => {
    const remedy = accessRemedy({ ...node, gid: 44 }, { name: "ada", uid: 1001, gids: [1001] }, `${groups}dialout:x:44:\n`);
    expect(remedy).toBe("sudo usermod -aG dialout ada, then log in again");
  });

  test("log in again, for one who has joined it since", () => {
    expect(accessRemedy(node, { name: "newcomer", uid: 1002, gids: [1002] }, groups)).toContain("log in again, or newgrp gpio");
  });

  test("a udev rule, where only root may open it", () => {
    const remedy = accessRemedy({ ...node, gid: 0, mode: 0o20600 }, { name: "ada", uid: 1001, gids: [1001] }, groups);
    expect(remedy).toContain('GROUP="gpio", MODE="0660"');
    expect(remedy).toEndWith("sudo usermod -aG gpio ada, then log in again");
  });

  test("a udev rule, where the group may not write", () => {
    expect(accessRemedy({ ...node, mode: 0o20640 }, { name: "ada", uid: 1001, gids: [GPIO] }, groups)).toContain("udev");
  });

  test("the container, where root is refused", () => {
    expect(accessRemedy(node, { name: "root", uid: 0, gids: [0] }, groups)).toContain("--device /dev/gpiochip0");
  });
});

describe("the group gpio", () => {
  const users: [name: string, uid: number, gids: number[], verdict: string][] = [
    ["root", 0, [0], "ok"],
    ["pi", 1000, [1000, GPIO], "ok"],
    ["ada", 1001, [1001], "warn"],
    ["newcomer", 1002, [1002], "warn"],
  ];
  for (const [name, uid, gids, verdict] of users) {
    test(`${name}: ${verdict}`, () => {
      expect(membership({ name, uid, gids }, groups)).toMatchObject({ subject: "user", verdict });
    });
  }

  test("need not exist", () => {
    expect(membership({ name: "ada", uid: 1001, gids: [1001] }, "root:x:0:\n")).toMatchObject({ verdict: "ok" });
  });
});

describe("the kernel", () => {
  const releases: [release: string, verdict: string][] = [
    ["6.12.25+rpt-rpi-v8", "ok"],
    ["5.10.0-9-arm64", "ok"],
    ["5.9.16", "fail"],
    ["4.19.118-v7l+", "fail"],
  ];
  for (const [release, verdict] of releases) {
    test(`${release}: ${verdict}`, () => {
      expect(kernel(release)).toMatchObject({ subject: "kernel", verdict });
    });
  }
});

test("variables that change the executable are named, with how to be rid of them", () => {
  expect(environment({ PATH: "/bin" })).toMatchObject({ verdict: "ok" });
  expect(environment({ BUN_OPTIONS: "--preload x", BUN_INSPECT: "1" })).toMatchObject({
    verdict: "warn",
    remedy: "unset BUN_OPTIONS BUN_INSPECT",
  });
});

describe("the waves", () => {
  test("are not spoken of where no thread plays them", () => {
    expect(waveFinding({ waves: null })).toEqual([]);
  });

  test("are played in real time, or it is said how that can be had", () => {
    expect(waveFinding({ waves: "real-time" })).toEqual([{ subject: "waves", verdict: "ok", finding: expect.any(String) }]);
    expect(waveFinding({ waves: "normal" })).toMatchObject([{ verdict: "ok", remedy: expect.stringContaining("LimitRTPRIO") }]);
  });
});
