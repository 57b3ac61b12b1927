import { expect, test } from "bun:test";
import { PipelineProcess } from "../../src/cameras/pipeline-process.ts";

/** More than a pipe holds. */
const FRAME = new Uint8Array(4 * 1024 * 1024);

const fed = (script: string, patienceMs: number) =>
  new PipelineProcess({ command: ["/bin/sh", "-c", script], debianPackage: null }, { frameBytes: null, isFed: true, patienceMs });

test("a program that takes no frame any more is ended: whoever gives it frames waits no longer, and is told why", async () => {
  const program = fed("head -c 1000 > /dev/null; exec sleep 1000", 100);
  expect(await program.write(FRAME)).toBe(false);
  expect(await program.ended).toEqual({ signal: "SIGKILL" });
  expect((await program.trouble()).code).toBe("CAMERA_STALLED");
});

test("a program that takes its frames may run for as long as it likes", async () => {
  const program = fed("exec cat > /dev/null", 60_000);
  for (let i = 0; i < 5; i++) expect(await program.write(FRAME)).toBe(true);
  program.endInput();
  expect(await program.ended).toEqual({ status: 0 });
});

test("of what a program says as much is kept as a message takes, and nothing that moves a terminal's cursor", async () => {
  const bytes = 256 * 1024 * 1024;
  const before = process.memoryUsage().rss;
  const program = fed(`head -c ${bytes} /dev/zero | tr '\\0' x >&2; printf '\\n\\033[2Jthe last word' >&2; exit 3`, 60_000);
  const { code, message, details } = await program.trouble();
  expect([code, message]).toEqual(["PIPELINE_EXITED", "/bin/sh has ended with status 3: \ufffd[2Jthe last word"]);
  expect(JSON.stringify(details).length).toBeLessThan(2000);
  expect(process.memoryUsage().rss - before).toBeLessThan(bytes / 2);
});
