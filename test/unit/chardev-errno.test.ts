import { expect, test } from "bun:test";
import { constants } from "node:os";
import { codeOf, lineError, type Operation } from "../../src/gpio/chardev/errno.ts";
import { errnoName, libc, SystemCallError } from "../../src/gpio/chardev/libc.ts";
import { distinctPaths } from "../../src/gpio/chardev/nodes.ts";

const { EACCES, EBUSY, EINVAL, EIO, ENODEV, ENOENT, ENXIO, EOPNOTSUPP, EPERM } = constants.errno;
const line = { chip: "/dev/gpiochip0", offset: 17 };

test("a line that another program holds is LINE_BUSY, and the error names it", () => {
  const error = lineError(EBUSY, "request", line, "gpioset");
  expect(error.code).toBe("LINE_BUSY");
  expect(error.message).toContain('"gpioset"');
  expect(error.details).toEqual({ chip: "/dev/gpiochip0", offset: 17, consumer: "gpioset" });
});

test("a holder that gave no name is still LINE_BUSY", () => {
  expect(lineError(EBUSY, "request", line)).toMatchObject({ code: "LINE_BUSY", details: { consumer: null } });
});

test("a chip that may not be opened is PERMISSION_DENIED, and the error says how to be let in", () => {
  for (const errno of [EACCES, EPERM]) {
    const error = lineError(errno, "open", line);
    expect(error.code).toBe("PERMISSION_DENIED");
    expect(error.message).toContain("sudo usermod -aG gpio $USER");
    expect(error.details).toEqual({ ...line, paths: ["/dev/gpiochip0"] });
  }
});

test("settings that the kernel or the driver cannot give are LINE_UNSUPPORTED, in a request and in a change", () => {
  for (const operation of ["request", "reconfigure"] as const) {
    for (const errno of [EINVAL, 524, EOPNOTSUPP, ENXIO]) expect(codeOf(errno, operation)).toBe("LINE_UNSUPPORTED");
  }
});

test("a chip that has gone is LINE_LOST, whatever was asked of it", () => {
  const operations: Operation[] = ["open", "request", "reconfigure", "get", "set", "watch"];
  for (const operation of operations) expect(codeOf(ENODEV, operation)).toBe("LINE_LOST");
  expect([ENOENT, ENXIO].map((errno) => codeOf(errno, "open"))).toEqual(["LINE_LOST", "LINE_LOST"]);
});

test("what has no code of its own is LINE_FAILED and names the kernel's reason", () => {
  const error = lineError(EIO, "set", line);
  expect(error.code).toBe("LINE_FAILED");
  expect(error.message).toBe("Line 17 of /dev/gpiochip0 cannot be driven (EIO).");
  expect(lineError(EPERM, "set", line).code).toBe("LINE_FAILED");
});

test("the kernel's own 524, which has no name, is shown as a number", () => {
  expect([errnoName(EBUSY), errnoName(524)]).toEqual(["EBUSY", "errno 524"]);
});

test("a failing call throws the errno of that very call", () => {
  const attempt = (call: () => unknown) => {
    try {
      return call();
    } catch (error) {
      return error instanceof SystemCallError ? `${error.call} ${errnoName(error.errno)}` : error;
    }
  };
  const absent = () => libc().open("/nonexistent", 0);
  const notOpen = () => libc().ioctl(-1, 0, new Uint8Array(8));
  expect([absent, notOpen, absent].map(attempt)).toEqual(["open ENOENT", "ioctl EBADF", "open ENOENT"]);
});

test("a chip with several names is listed once, by its node rather than by a link, and chips follow their numbers", () => {
  const nodes = [
    { path: "/dev/gpiochip10", device: 2570, symlink: false },
    { path: "/dev/gpiochip4", device: 2560, symlink: true },
    { path: "/dev/gpiochip0", device: 2560, symlink: false },
    { path: "/dev/gpiochip2", device: 2562, symlink: false },
  ];
  expect(distinctPaths(nodes)).toEqual(["/dev/gpiochip0", "/dev/gpiochip2", "/dev/gpiochip10"]);
});

test("a chip that only a link leads to is listed by the link", () => {
  expect(distinctPaths([{ path: "/dev/gpiochip4", device: 7, symlink: true }])).toEqual(["/dev/gpiochip4"]);
});
