import { expect, test } from "bun:test";
import { withoutPasswords } from "../../src/protocol/hidden-passwords.ts";

test("passwords are hidden wherever they stand, and nothing else is changed", () => {
  for (const [text, shown] of [
    ["rtsp://admin:s3cret@camera.local:554/stream?channel=1", "rtsp://admin:***@camera.local:554/stream?channel=1"],
    ["rtsp://me@home.org:p@ss:word@camera.local/", "rtsp://me@home.org:***@camera.local/"],
    ["rtsp://:s3cret@[fe80::1]:554/", "rtsp://:***@[fe80::1]:554/"],
    ["rtsp://a:s3cret@one/1 and http://b:other@two/2", "rtsp://a:***@one/1 and http://b:***@two/2"],
    ["http://cam/video?user=admin&pwd=s3cret&width=640", "http://cam/video?user=admin&pwd=***&width=640"],
    ["http://cam/video?access_token=s3cret", "http://cam/video?access_token=***"],
    [
      'rtspsrc location=rtsp://cam/1 user-id=admin user-pw="s3 cret" ! decodebin',
      "rtspsrc location=rtsp://cam/1 user-id=admin user-pw=*** ! decodebin",
    ],
    ["rtsp://camera.local:554/stream", "rtsp://camera.local:554/stream"],
    ["rtsp://admin@camera.local:554/a:b@c", "rtsp://admin@camera.local:554/a:b@c"],
    ["/dev/v4l/by-path/platform-fd500000.pcie-pci-0000:01:00.0", "/dev/v4l/by-path/platform-fd500000.pcie-pci-0000:01:00.0"],
    ["videotestsrc pattern=ball bypass=1", "videotestsrc pattern=ball bypass=1"],
  ] as const) {
    expect(withoutPasswords(text)).toBe(shown);
  }
});
