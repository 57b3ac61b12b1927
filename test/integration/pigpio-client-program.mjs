// A program for pigpiod with pigpio-client, in Node: node pigpio-client-program.mjs PORT. GPIO17 must be wired to GPIO27. It prints what it sees.
import { createRequire } from "node:module";
import { promisify } from "node:util";

const { pigpio } = createRequire(import.meta.url)("pigpio-client");
const client = pigpio({ host: "127.0.0.1", port: Number(process.argv[2]) });
const { pigpioVersion, hwVersion } = await new Promise((connected, failed) => {
  client.once("connected", connected);
  client.once("error", failed);
});
console.log("connected", pigpioVersion, hwVersion.toString(16));

const [output, input] = [new client.gpio(17), new client.gpio(27)];
/** Calls a method of a gpio, and waits for what its callback is told. */
const call = (gpio, method, ...values) => promisify((...all) => gpio[method](...all))(...values);

await call(output, "modeSet", "output");
await call(input, "modeSet", "input");
await call(input, "pullUpDown", 0);
await call(input, "glitchSet", 0);
console.log("mode", await call(output, "modeGet"), await call(input, "modeGet"));

const told = [];
let heard = () => {};
input.notify((level) => {
  told.push(level);
  heard();
});
/** Waits until so many levels have been told. */
const hear = (count) =>
  new Promise((done) => {
    heard = () => told.length >= count && done();
    heard();
  });
await call(output, "write", 1);
console.log("read", await call(input, "read"));
await call(output, "write", 0);
await call(output, "trigger", 50, 1);
await hear(4);
console.log("told", ...told);
await call(input, "endNotify");

await call(output, "setPWMfrequency", 100);
await call(output, "analogWrite", 64);
console.log("pwm", await call(output, "getPWMdutyCycle"));
await call(output, "setServoPulsewidth", 1500);
console.log("servo", await call(output, "getServoPulsewidth"));
await call(output, "waveClear").catch(({ code, api }) => console.log(api, code));
await call(output, "setServoPulsewidth", 100).catch(({ code, api }) => console.log(api, code));
client.end(() => console.log("ended"));
