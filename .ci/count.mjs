// Prints how many tests of a JUnit report passed, failed and were skipped: "12 0 1".
import { readFileSync } from "node:fs";

const report = readFileSync(process.argv[2], "utf8");
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const [, content = ""] of report.matchAll(/<testcase\b[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)) {
  if (/<(failure|error)\b/.test(content)) counts.failed++;
  else if (/<skipped\b/.test(content)) counts.skipped++;
  else counts.passed++;
}
console.log(counts.passed, counts.failed, counts.skipped);
