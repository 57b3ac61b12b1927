import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { networkFindings } from "../../src/cli/network-findings.ts";
import { createSupervisor, SimBackend, SimulatedClock } from "../../src/index.ts";
import type { ListenSettings } from "../../src/protocol/listen.ts";
import { type Certified, certify } from "./certificates.ts";
import { machine, panel, serveTcp, tlsKeys } from "./network-stage.ts";
import { type Stage, story } from "./processes.ts";

/** Starts a supervisor that can't start, and returns what it says. */
async function mistake(stage: Stage, listen: string, access = panel): Promise<string> {
  const config = stage.file("its.toml", `[listen.tcp]\nport = 0\n${listen}\n${access}`);
  const supervisor = stage.startServe(stage.socket, ["--config", config]);
  expect(await supervisor.ready).toBe(false);
  expect(await supervisor.ended()).toBe(1);
  return supervisor.errors.split("\n").find((line) => line.startsWith("BAD_CONFIG")) ?? supervisor.errors;
}

story("a certificate and a key that are missing, no PEM or not each other's stop the start, by their keys", async (stage) => {
  const keys = tlsKeys(stage);
  const other = stage.file("other.pem", certify({ commonName: "other" }).key);
  const nothing = join(stage.folder, "nothing.pem");
  mkdirSync(join(stage.folder, "folder"));
  const wrong: [listen: string, key: string, says: string][] = [
    [keys.replace(/key\.pem/, "nothing.pem"), "key", `there is no file ${nothing}`],
    [keys.replace(/cert\.pem/, "nothing.pem"), "certificate", `there is no file ${nothing}`],
    [keys.replace(/cert\.pem/, "folder"), "certificate", "can't be read"],
    [keys.replace(/cert\.pem/, "key.pem"), "certificate", "is no certificate in PEM"],
    [keys.replace(/key\.pem/, "cert.pem"), "key", "is no private key in PEM"],
    [keys.replace(/key\.pem/, "other.pem"), "key", `${other} is not the key of`],
    [`${keys}clientCertificates = "${other}"`, "clientCertificates", "is no certificate in PEM"],
    [keys.replace(/key = .*/, ""), "key", "is missing"],
    [keys.replace(/certificate = .*/, ""), "certificate", "is missing"],
    [`clientCertificates = "${nothing}"`, "certificate", "is missing"],
    ['certificate = "cert.pem"\nkey = "key.pem"', "certificate", "must be a path from the root"],
    ["heartbeatMs = 10", "heartbeatMs", "must be at least 100"],
    ['access = "pannel"', "access", "there is no table [access.pannel]"],
  ];
  for (const [listen, key, says] of wrong) {
    const told = await mistake(stage, listen);
    expect(told).toContain(`listen.tcp.${key}: `);
    expect(told).toContain(says);
  }
});

describe("other machines are let in with TLS and a token, and not otherwise unless that is written out", () => {
  /** Starts and ends a supervisor in this process. @returns how that went, and what was logged as a warning */
  async function started(tcp: NonNullable<ListenSettings["tcp"]>, access: object = {}): Promise<readonly string[]> {
    const warnings: string[] = [];
    const log = { debug() {}, info() {}, warn: (_: object, message: string) => warnings.push(message), error() {} };
    const starting = createSupervisor({
      backend: new SimBackend({ clock: new SimulatedClock() }),
      listen: { tcp: { port: 0, ...tcp } },
      access: { all: access },
      log,
    });
    return starting.then(
      async (supervisor) => {
        await supervisor.shutdown();
        return ["started", ...warnings];
      },
      ({ code, details }) => [`${code} ${details.key}`, ...warnings],
    );
  }
  const address = "0.0.0.0";
  const token = `sha256:${"0".repeat(64)}`;
  const warning = "insecure = true: other machines may come here without TLS or without a token";

  story("so it is", async (stage) => {
    const [certificate, key] = [stage.file("cert.pem", machine.certificate), stage.file("key.pem", machine.key)];
    const tls = { certificate, key };
    expect(await started({ address })).toEqual(["BAD_CONFIG listen.tcp.certificate"]);
    expect(await started({ address, insecure: true })).toEqual(["started", warning]);
    expect(await started({ address, ...tls })).toEqual(["BAD_CONFIG listen.tcp.address"]);
    expect(await started({ address, ...tls }, { token })).toEqual(["started"]);
    expect(await started({ address, ...tls, access: "all" }, { token })).toEqual(["BAD_CONFIG listen.tcp.access"]);
    expect(await started({ address, ...tls, access: "all", insecure: true }, { token })).toEqual(["started", warning]);
    expect(await started({ address, ...tls, clientCertificates: certificate })).toEqual(["started"]);
    expect(await started({ address, insecure: true }, { token })).toEqual(["started", warning]);
    expect(await started({})).toEqual(["started"]);
    expect(await started({ address: "::1", insecure: true })).toEqual(["started"]);
  });

  test("a program that embeds a supervisor is told of a mistake as a file is", async () => {
    expect(await started({ adress: "0.0.0.0" } as object)).toEqual(["BAD_CONFIG listen.tcp.adress"]);
  });
});

story("a port that another program has is named, and nothing of the supervisor is left", async (stage) => {
  const { port } = await serveTcp(stage);
  const config = stage.file("other.toml", `[listen.tcp]\nport = ${port}\n`);
  const second = stage.startServe(`${stage.socket}2`, ["--config", config]);
  expect(await second.ready).toBe(false);
  expect(await second.ended()).toBe(1);
  expect(second.errors).toContain("ADDRESS_IN_USE: ");
  expect(second.errors).toContain(`listen.tcp: another program listens on 127.0.0.1, port ${port}`);
});

story("an expired certificate is told of in the log and by the doctor, and so is a listener that is open to all", async (stage) => {
  const found = async (certified: Certified, more = "") => {
    const config = stage.file("its.toml", `[listen.tcp]\n${tlsKeys(stage, certified)}${more}`);
    return (await networkFindings(config)).map(({ subject, verdict }) => `${subject} ${verdict}`);
  };
  const lasting = certify({ commonName: "localhost", days: [-1, 400] });
  const late = certify({ commonName: "localhost", days: [-30, -1] });
  expect(await found(lasting)).toEqual(["listen.tcp.certificate ok"]);
  expect(await found(certify({ commonName: "localhost", days: [-1, 20] }))).toEqual(["listen.tcp.certificate warn"]);
  expect(await found(late)).toEqual(["listen.tcp.certificate fail"]);
  expect(await found(lasting, 'address = "0.0.0.0"\ninsecure = true\n[listen.pigpio]\naddress = "0.0.0.0"\ninsecure = true\n')).toEqual([
    "listen.tcp warn",
    "listen.pigpio warn",
    "listen.tcp.certificate ok",
  ]);
  const { supervisor } = await serveTcp(stage, tlsKeys(stage, late));
  expect(supervisor.errors).toContain("the certificate is not good today, and no client will trust it");
});

story("a key that every user of the machine may read is told of by the doctor", async (stage) => {
  const config = stage.file("its.toml", `[listen.tcp]\n${tlsKeys(stage, certify({ commonName: "localhost", days: [-1, 400] }))}`);
  const found = async () => (await networkFindings(config)).filter(({ subject }) => subject === "listen.tcp.key");
  expect(await found()).toEqual([]);
  chmodSync(join(stage.folder, "key.pem"), 0o644);
  expect(await found()).toMatchObject([{ verdict: "warn", remedy: expect.stringContaining("chmod o-r ") }]);
});
