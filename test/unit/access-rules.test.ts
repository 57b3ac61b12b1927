import { describe, expect, test } from "bun:test";
import { AccessRules } from "../../src/access/access-rules.ts";
import type { Accounts } from "../../src/access/accounts.ts";
import { digestOf, newToken } from "../../src/access/token.ts";
import { type AccessTable, fullAccess, isLess } from "../../src/protocol/access.ts";
import { refusal } from "../refusal.ts";

const accounts: Accounts = {
  uidOf: (user) => ({ root: 0, pi: 1000 })[user] ?? null,
  gidOf: (group) => ({ gpio: 997, pi: 1000 })[group] ?? null,
};

function rulesOf(tables: Readonly<Record<string, AccessTable>>): AccessRules {
  return new AccessRules(tables, new Map(), accounts);
}

const stranger = { uid: 4321, gids: [4321] };

describe("a user of the Unix socket", () => {
  test("may do everything while no table speaks of users", () => {
    const rules = rulesOf({ panel: { token: digestOf("secret"), read: ["GPIO17"] }, screens: { read: "*" } });
    expect(rules.ofUser(stranger)).toBe(fullAccess);
    expect(rules.ofUser({ uid: null, gids: [] })).toBe(fullAccess);
  });

  test("may do what the tables of all its names and groups say together", () => {
    const rules = rulesOf({
      pi: { user: "pi", read: ["GPIO2"], admin: true },
      gpio: { group: "gpio", read: ["GPIO3"], watch: "*" },
      other: { group: 44, command: "*" },
    });
    expect(rules.ofUser({ uid: 1000, gids: [1000, 997] })).toEqual({
      rules: ["pi", "gpio"],
      read: ["GPIO2", "GPIO3"],
      watch: "*",
      command: [],
      frames: [],
      publish: [],
      actors: [],
      subscribe: [],
      admin: true,
    });
    expect(rules.ofUser({ uid: 5, gids: [44] })).toMatchObject({ rules: ["other"], command: "*", admin: false });
  });

  test("is refused where tables speak of others alone, and so is one of whom the kernel says nothing", () => {
    const rules = rulesOf({ pi: { user: 1000, read: "*" } });
    expect(refusal(() => rules.ofUser(stranger))).toMatchObject({ code: "FORBIDDEN", details: { uid: 4321 } });
    expect(refusal(() => rules.ofUser({ uid: null, gids: [] })).code).toBe("FORBIDDEN");
  });

  test("may do everything as root, and as the supervisor's own user, whatever the tables say", () => {
    const rules = rulesOf({ nobody: { user: 0, group: 0 }, me: { user: process.getuid?.() ?? 0 } });
    expect(rules.ofUser({ uid: 0, gids: [0] })).toBe(fullAccess);
    expect(rules.ofUser({ uid: process.getuid?.() ?? 0, gids: [] })).toBe(fullAccess);
  });
});

describe("a client on the network", () => {
  const none = { token: undefined, certificate: undefined };
  const key = "listen.tcp";

  test("may do everything where no table speaks of anybody", () => {
    expect(rulesOf({ screens: { read: "*" } }).ofNetworkClient(none, key, undefined)).toBe(fullAccess);
    expect(rulesOf({}).ofNetworkClient({ ...none, token: "of another supervisor" }, key, undefined)).toBe(fullAccess);
  });

  test("is no way round the rights that users of the machine have", () => {
    const rules = rulesOf({ pi: { user: "pi", read: "*" } });
    expect(refusal(() => rules.ofNetworkClient(none, key, undefined)).code).toBe("FORBIDDEN");
    expect(refusal(() => rules.ofNetworkClient({ ...none, token: "" }, key, undefined)).code).toBe("FORBIDDEN");
  });

  test("needs a token as soon as a table has one, and has the rights of that table", () => {
    const token = newToken();
    const rules = rulesOf({ panel: { token: digestOf(token), command: ["GPIO17"] }, other: { token: digestOf("other"), admin: true } });
    expect(rules.ofNetworkClient({ ...none, token }, key, undefined)).toMatchObject({
      rules: ["panel"],
      command: ["GPIO17"],
      admin: false,
    });
    for (const wrong of [undefined, "", `${token} `, digestOf(token)]) {
      expect(refusal(() => rules.ofNetworkClient({ ...none, token: wrong }, key, undefined)).code).toBe("FORBIDDEN");
    }
  });

  test("has the rights of its certificate, of its token and of its listener together; a wrong token helps nobody", () => {
    const rules = rulesOf({
      all: { read: "*" },
      panel: { token: digestOf("secret"), command: ["GPIO17"] },
      door: { certificate: "door.local", watch: ["GPIO4"] },
    });
    expect(rules.ofNetworkClient({ token: "secret", certificate: "door.local" }, key, "all")).toMatchObject({
      rules: ["all", "panel", "door"],
      read: "*",
      watch: ["GPIO4"],
      command: ["GPIO17"],
    });
    expect(rules.ofNetworkClient(none, key, "all").rules).toEqual(["all"]);
    expect(rules.ofNetworkClient({ ...none, certificate: "door.local" }, key, undefined).rules).toEqual(["door"]);
    expect(refusal(() => rules.ofNetworkClient({ token: "guess", certificate: "door.local" }, key, "all")).code).toBe("FORBIDDEN");
    expect(refusal(() => rules.ofNetworkClient({ ...none, certificate: "window.local" }, key, undefined)).code).toBe("FORBIDDEN");
  });
});

test("the clients of a listener have the rights that it names, or all", () => {
  const rules = rulesOf({ legacy: { command: ["GPIO17"] } });
  expect(rules.ofListener("listen.pigpio", undefined)).toBe(fullAccess);
  expect(rules.ofListener("listen.pigpio", "legacy")).toMatchObject({ rules: ["legacy"], command: ["GPIO17"], read: [] });
  expect(refusal(() => rules.ofListener("listen.pigpio", "legcy"))).toMatchObject({
    code: "BAD_CONFIG",
    details: { key: "listen.pigpio.access" },
  });
});

test("a right that is given by an alias is to the pin that has it", () => {
  const panel: AccessTable = { read: ["GPIO4", "lamp"], watch: "*", command: ["lamp"], frames: ["lamp"] };
  const of = (...aliases: [string, string][]) => new AccessRules({ panel }, new Map(aliases)).ofListener("listen.pigpio", "panel");
  const before = of(["lamp", "GPIO17"], ["pump", "GPIO27"]);
  expect(before).toMatchObject({ read: ["GPIO4", "GPIO17"], watch: "*", command: ["GPIO17"], frames: ["lamp"] });
  expect(isLess(of(["pump", "GPIO17"], ["lamp", "GPIO27"]), before)).toBe(true);
  expect(isLess(of(["pump", "GPIO27"]), before)).toBe(true);
  expect(isLess(of(["lamp", "GPIO17"]), before)).toBe(false);
});

test("a listener that asks nobody who they are is no way round the rights of users, nor of clients on the network", () => {
  for (const table of [{ user: "pi" }, { group: "gpio" }, { token: digestOf("secret") }, { certificate: "door.local" }]) {
    const rules = rulesOf({ screens: { read: "*" }, known: table });
    const { code, message, details } = refusal(() => rules.ofListener("listen.pigpio", undefined));
    expect({ code, details }).toEqual({ code: "BAD_CONFIG", details: { key: "listen.pigpio.access" } });
    expect(message).toStartWith("listen.pigpio.access: is missing: while [access.known] says who may do what");
    expect(rules.ofListener("listen.pigpio", "screens").rules).toEqual(["screens"]);
  }
});

describe("a table with a mistake is refused by its key", () => {
  const mistakes: [table: Record<string, unknown>, key: string, says: string][] = [
    [{ user: "pie" }, "user", "this machine has no user pie"],
    [{ group: "gpoi" }, "group", "this machine has no group gpoi"],
    [{ user: -1 }, "user", "must be at least 0"],
    [{ token: "secret" }, "token", "must be what `holdfast token` prints"],
    [{ read: "GPIO17" }, "read", 'must be a list of names, such as ["GPIO17", "GPIO27"], or "*" for all'],
    [{ read: [17] }, "read", "must be a list of names"],
    [{ publish: "door" }, "publish", 'must be a list of filters of topics, such as ["door/#", "alarm"], or "*" for all'],
    [{ publish: ["door+"] }, "publish.0", "may have + only as a whole level"],
    [{ subscribe: ["door", "*"] }, "subscribe.1", 'is a name in a list; for all topics leave the list out: "*"'],
    [{ write: "*" }, "write", "there is no such key"],
    [{ admin: "yes" }, "admin", "must be true or false"],
  ];
  for (const [table, key, says] of mistakes) {
    test(JSON.stringify(table), () => {
      const { code, message, details } = refusal(() => rulesOf({ panel: table }));
      expect({ code, details }).toEqual({ code: "BAD_CONFIG", details: { key: `access.panel.${key}` } });
      expect(message).toStartWith(`access.panel.${key}: ${says}`);
    });
  }
});

test("no two tokens are the same, and each fits into one word", () => {
  const tokens = Array.from({ length: 50 }, newToken);
  expect(new Set(tokens).size).toBe(50);
  for (const token of tokens) expect(token).toMatch(/^hf_[A-Za-z0-9_-]{43}$/);
});
