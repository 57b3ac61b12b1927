import { describe, expect, test } from "bun:test";
import { type Address, addressInWords, parseAddress } from "../../src/client/address.ts";
import { clientAddresses } from "../../src/client/connect.ts";
import { refusal } from "../refusal.ts";

describe("an address", () => {
  const good: [url: string, address: Address, words: string][] = [
    ["unix:/run/x.sock", { kind: "unix", path: "/run/x.sock" }, "/run/x.sock"],
    ["unix:///run/x%20y.sock", { kind: "unix", path: "/run/x%20y.sock" }, "/run/x%20y.sock"],
    ["holdfast://shed.local", { kind: "tcp", host: "shed.local", port: 8510, encrypted: true }, "holdfast://shed.local:8510"],
    ["holdfast://192.168.1.17:9000/", { kind: "tcp", host: "192.168.1.17", port: 9000, encrypted: true }, "holdfast://192.168.1.17:9000"],
    ["holdfast://[fe80::1]:1", { kind: "tcp", host: "fe80::1", port: 1, encrypted: true }, "holdfast://[fe80::1]:1"],
    ["holdfast+tcp://localhost", { kind: "tcp", host: "localhost", port: 8510, encrypted: false }, "holdfast+tcp://localhost:8510"],
  ];
  for (const [url, address, words] of good) {
    test(url, () => {
      expect(parseAddress(url)).toEqual(address);
      expect(addressInWords(address)).toBe(words);
    });
  }

  const bad = [
    "",
    "shed.local",
    "/run/x.sock",
    "unix:x.sock",
    "http://shed.local",
    "tcp://shed.local",
    "holdfast:",
    "holdfast://",
    "holdfast:///x",
  ]
    .concat(["holdfast://shed.local:0x10", "holdfast://shed.local:99999", "holdfast://shed.local/pins", "holdfast://shed.local?insecure"])
    .concat(["holdfast://hf_secret@shed.local", "holdfast://me:hf_secret@shed.local", "holdfast://shed.local#hf_secret"]);
  for (const url of bad) {
    test(`${JSON.stringify(url)} is none, and what is in it is not repeated`, () => {
      const { code, message, details } = refusal(() => parseAddress(url));
      expect({ code, details }).toEqual({ code: "BAD_FIELD", details: { field: "url" } });
      expect(message).toStartWith("url: the address of a supervisor ");
      expect(message).not.toContain("secret");
    });
  }
});

test("what is named counts more than the environment, and a URL there more than a socket", () => {
  const before = { ...process.env };
  Object.assign(process.env, { HOLDFAST_SOCKET: "/tmp/its.sock", HOLDFAST_URL: "holdfast://shed.local" });
  try {
    const inWords = (...named: Parameters<typeof clientAddresses>) => clientAddresses(...named).map(addressInWords);
    expect(inWords()).toEqual(["holdfast://shed.local:8510"]);
    expect(inWords("unix:/tmp/named.sock")).toEqual(["/tmp/named.sock"]);
    expect(inWords(undefined, "/tmp/named.sock")).toEqual(["/tmp/named.sock"]);
    expect(refusal(() => clientAddresses("holdfast://shed.local", "/tmp/named.sock")).details).toEqual({ field: "url" });
    process.env["HOLDFAST_URL"] = "";
    expect(inWords()).toEqual(["/tmp/its.sock"]);
  } finally {
    for (const name of ["HOLDFAST_SOCKET", "HOLDFAST_URL"]) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
});
