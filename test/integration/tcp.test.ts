import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { certify } from "./certificates.ts";
import { authority, dial, machine, panel, serveTcp, TOKEN, tlsKeys } from "./network-stage.ts";
import { codeOf, eventually, executable, story } from "./processes.ts";

story("a client over the network does what one on the machine does, and is known by its address", async (stage) => {
  const { url } = await serveTcp(stage);
  const far = await dial(stage, url);
  const near = await stage.connect();
  const led = await far.output("GPIO17");
  await near.simWire("GPIO17", "GPIO4");
  const button = await far.input("GPIO4");
  const edges = await button.edges();
  await led.blink({ onMs: 5, offMs: 5, n: 2, ack: "done" });
  const seen = [];
  for await (const { level } of edges) if (seen.push(level) === 4) break;
  expect(seen).toEqual([1, 0, 1, 0]);
  expect((await near.status()).clients).toMatchObject([
    { name: "far", transport: "tcp", address: "127.0.0.1", pid: null, pins: ["GPIO17", "GPIO4"] },
    { name: "test", transport: "unix", address: null },
  ]);
  expect(await near.output("GPIO17").catch((error) => error)).toMatchObject({
    code: "PIN_BUSY",
    message: expect.stringContaining('"far" (127.0.0.1)'),
  });
});

story("topics are the same over the network, with the rights of the token", async (stage) => {
  const { url } = await serveTcp(stage, tlsKeys(stage), `${panel}publish = ["panel/#"]\nsubscribe = ["door/+"]\n`);
  const far = await dial(stage, url);
  const near = await stage.connect();
  await near.publish("door/front", { open: true }, { retain: true });
  const [doors, panels] = [await far.topic("door/front"), await near.topic("#")];
  expect((await doors.next()).value).toMatchObject({ topic: "door/front", value: { open: true }, retained: true, by: "test" });
  await panels.next();
  expect(await far.publish("panel/button", new Uint8Array([1, 2]))).toBe(1);
  expect((await panels.next()).value).toMatchObject({ topic: "panel/button", value: new Uint8Array([1, 2]), by: "far" });
  expect(await codeOf(far.topic("#"))).toBe("FORBIDDEN");
  expect(await codeOf(far.publish("door/front", "ajar"))).toBe("FORBIDDEN");
});

story("whoever has no token, or a wrong one, is refused before anything else, and that is logged", async (stage) => {
  const { url, supervisor } = await serveTcp(stage);
  for (const token of ["", "hf_guess", `${TOKEN}x`]) {
    expect(await dial(stage, url, { token }).catch((error) => error)).toMatchObject({ code: "FORBIDDEN", details: { field: "token" } });
  }
  const near = await stage.connect();
  expect((await near.status()).counters.clients).toBe(1);
  await eventually("they are logged", () => supervisor.errors.split('"msg":"client refused"').length === 4);
  expect(supervisor.errors).toMatch(/"level":"warn".*"transport":"tcp","address":"127.0.0.1","field":"token","code":"FORBIDDEN"/);
  expect(supervisor.errors).not.toContain("guess");
});

story("a token has the rights of its table, and frames are not to be had over the network", async (stage) => {
  const table = `${panel}command = ["BOARD11"]\nframes = "*"\n`;
  const { url } = await serveTcp(stage, tlsKeys(stage), table);
  const far = await dial(stage, url);
  await (await far.output("GPIO17")).on();
  expect(await codeOf(far.output("GPIO27"))).toBe("FORBIDDEN");
  expect(await codeOf(far.shutdown())).toBe("FORBIDDEN");
  const near = await stage.connect();
  const pool = await near.createPool("cam0", { slots: 4, bytes: 64 });
  expect((await far.pools()).map(({ pool }) => pool)).toEqual(["cam0"]);
  expect(await codeOf(far.pool("cam0"))).toBe("NOT_LOCAL");
  await pool.remove();
});

describe("a supervisor whose certificate can't be trusted is not spoken to", () => {
  const expired = certify({ commonName: "localhost", issuer: authority, names: ["localhost"], days: [-30, -1] });
  const future = certify({ commonName: "localhost", issuer: authority, names: ["localhost"], days: [1, 30] });
  const elsewhere = certify({ commonName: "elsewhere", issuer: authority, names: ["elsewhere.example"] });
  const foreign = certify({ commonName: "localhost", issuer: certify({ commonName: "another authority" }), names: ["localhost"] });
  const its = certify({ commonName: "localhost", names: ["localhost"] });
  for (const [what, certificate] of Object.entries({ expired, future, elsewhere, foreign, "self-signed": its })) {
    story(what, async (stage) => {
      const { url, supervisor } = await serveTcp(stage, tlsKeys(stage, certificate));
      const refused = await dial(stage, url).catch((error) => error);
      expect(refused).toMatchObject({ code: "TLS_FAILED", details: { url, reason: expect.any(String) } });
      expect(supervisor.errors).not.toContain("client refused");
    });
  }

  story("nor one that is trusted by the system alone, unless the client says so", async (stage) => {
    const { url } = await serveTcp(stage);
    expect(await codeOf(dial(stage, url, { ca: undefined }))).toBe("TLS_FAILED");
  });
});

story("a certificate is trusted by its fingerprint alone, whoever has signed it and for whatever host, and no other is", async (stage) => {
  const own = certify({ commonName: "elsewhere", days: [-30, -1] });
  const { url } = await serveTcp(stage, tlsKeys(stage, own));
  const { fingerprint256 } = new X509Certificate(own.certificate);
  const trusting = await dial(stage, url, { ca: undefined, fingerprint: fingerprint256 });
  await trusting.ping();
  const other = new X509Certificate(machine.certificate).fingerprint256.replaceAll(":", "").toLowerCase();
  expect(await codeOf(dial(stage, url, { fingerprint: other }))).toBe("TLS_FAILED");
  expect(await codeOf(dial(stage, url, { fingerprint: "12:34" }))).toBe("BAD_FIELD");
});

story("who must have a certificate is let in with one of the right authority, and has the rights of its name", async (stage) => {
  const keys = `${tlsKeys(stage)}clientCertificates = "${stage.file("clients.pem", authority.certificate)}"\n`;
  const { url } = await serveTcp(stage, keys, '[access.door]\ncertificate = "door"\ncommand = ["GPIO17"]\n');
  const door = certify({ commonName: "door", issuer: authority });
  const own = { certificate: door.certificate, key: door.key, token: undefined };
  const far = await dial(stage, url, own);
  await (await far.output("GPIO17")).on();
  expect(await codeOf(far.output("GPIO27"))).toBe("FORBIDDEN");
  const window = certify({ commonName: "window", issuer: authority });
  expect(await codeOf(dial(stage, url, { ...own, certificate: window.certificate, key: window.key }))).toBe("FORBIDDEN");
  const stranger = certify({ commonName: "door", issuer: certify({ commonName: "another authority" }) });
  expect(await codeOf(dial(stage, url, { ...own, certificate: stranger.certificate, key: stranger.key }))).toBe("FORBIDDEN");
  const late = certify({ commonName: "door", issuer: authority, days: [-30, -1] });
  expect(await codeOf(dial(stage, url, { ...own, certificate: late.certificate, key: late.key }))).toBe("FORBIDDEN");
  const refused = await dial(stage, url, { token: undefined }).catch((error) => error);
  expect(refused).toMatchObject({ code: "FORBIDDEN", message: expect.stringContaining("a certificate of an authority") });
});

story("on loopback a listener needs neither TLS nor a token, and who comes there may do everything", async (stage) => {
  const { url } = await serveTcp(stage, "", "");
  const far = await dial(stage, url, { token: "of another supervisor" });
  await (await far.output("GPIO17")).on();
  expect(await codeOf(dial(stage, url.replace("+tcp", "")))).toBe("TLS_FAILED");
  await far.shutdown();
});

story("who expects no TLS where there is some is told so", async (stage) => {
  const { url } = await serveTcp(stage);
  expect(await codeOf(dial(stage, url.replace("holdfast:", "holdfast+tcp:")))).toBe("TLS_FAILED");
});

story("every command of the shell works over the network, with the token from a file or the environment", async (stage) => {
  const { url } = await serveTcp(stage);
  const [ca, token] = [stage.file("ca.pem", authority.certificate), stage.file("token", `${TOKEN}\n`)];
  const far = ["--connect", url, "--ca", ca, "--token-file", token];
  expect(await stage.run(executable, ...far, "on", "17")).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(await stage.run(executable, "read", "17", ...far)).toEqual({ status: 0, stdout: "1\n", stderr: "" });
  const status = await stage.run(executable, "status", "--json", ...far);
  expect(JSON.parse(status.stdout)).toMatchObject({ url, state: "running", clients: [{ transport: "tcp" }] });
  const environment = ["env", `HOLDFAST_URL=${url}`, `HOLDFAST_CA=${ca}`, `HOLDFAST_TOKEN=${TOKEN}`];
  expect(await stage.run(...environment, executable, "off", "17")).toMatchObject({ status: 0, stderr: "" });
  expect((await stage.run(...environment, executable, "doctor")).stdout).toContain(`${url}: holdfast`);
  const refused = await stage.run(executable, "off", "17", "--connect", url, "--ca", ca);
  expect(refused).toMatchObject({ status: 1, stdout: "" });
  expect(refused.stderr).toStartWith("FORBIDDEN: a token is needed here");
  const distrusted = await stage.run(executable, "off", "17", "--connect", url, "--token-file", token);
  expect(distrusted.stderr).toStartWith("TLS_FAILED: no trusted connection to");
  const socket = await stage.run(executable, "read", "17", "--connect", `unix:${stage.socket}`);
  expect(socket).toEqual({ status: 0, stdout: "0\n", stderr: "" });
});

story("each command says the same over the network as over the socket, but those that need the memory of frames", async (stage) => {
  const { url } = await serveTcp(stage);
  const environment = ["env", `HOLDFAST_CA=${stage.file("ca.pem", authority.certificate)}`, `HOLDFAST_TOKEN=${TOKEN}`];
  const lines = [
    "on 17",
    "read 17",
    "toggle 17",
    "value 17 25%",
    "blink 27 --on 1ms --off 1ms -n 2 --done",
    "pulse 27 --fade-in 1ms --fade-out 1ms -n 1 --done",
  ]
    .concat([
      "pattern 27 1:1ms 0:1ms -n 2 --done",
      "write 5+6 10",
      "read 5+6",
      "sim set 4 1",
      "sim wire 22 23",
      "read 4",
      "watch 17 --state -n 1 --json",
    ])
    .concat(["close 5+6", "close 27", "off 17", "pool create cam0 --slots 4 --bytes 1KiB", "pool create cam0 --slots 4 --bytes 1KiB"])
    .concat(["pool remove cam0", "read 99", "close 22"]);
  const play = async (...way: readonly string[]) => {
    const seen = [];
    for (const line of lines) seen.push({ line, ...(await stage.run(...environment, executable, ...line.split(" "), ...way)) });
    expect((await stage.run(...environment, executable, "close", "17", ...way)).status).toBe(0);
    return seen;
  };
  expect(await play("--connect", url)).toEqual(await play("--socket", stage.socket));
  const near = await stage.connect();
  await near.createPool("cam0", { slots: 4, bytes: 64 });
  for (const command of ["frames tap cam0", "frames send cam0 --test-pattern", "frames bench cam0"]) {
    const { status, stderr } = await stage.run(...environment, executable, ...command.split(" "), "--connect", url);
    expect([status, stderr.split(":")[0]]).toEqual([1, "NOT_LOCAL"]);
  }
});

test("the makeshift certificates are good ones", () => {
  const [its, signer] = [machine, authority].map(({ certificate }) => new X509Certificate(certificate));
  expect(its?.verify((signer as X509Certificate).publicKey)).toBe(true);
  expect(its?.checkHost("localhost")).toBe("localhost");
});
