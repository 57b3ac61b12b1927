import { HoldfastError } from "../../protocol/errors.ts";

/** What pigpio answers when it refuses (pigpio.h, `PI_BAD_USER_GPIO` and so on). */
export const refusals = {
  BAD_USER_GPIO: -2,
  BAD_GPIO: -3,
  BAD_MODE: -4,
  BAD_LEVEL: -5,
  BAD_PUD: -6,
  BAD_PULSEWIDTH: -7,
  BAD_DUTYCYCLE: -8,
  BAD_WDOG_TIMEOUT: -15,
  BAD_DUTYRANGE: -21,
  NO_HANDLE: -24,
  BAD_HANDLE: -25,
  NOT_PERMITTED: -41,
  SOME_PERMITTED: -42,
  BAD_PULSELEN: -46,
  BAD_MICS_DELAY: -64,
  BAD_MILS_DELAY: -65,
  UNKNOWN_COMMAND: -88,
  NOT_PWM_GPIO: -92,
  NOT_SERVO_GPIO: -93,
  BAD_FILTER: -125,
} as const;

/** Why pigpio refuses. */
export type RefusalName = keyof typeof refusals;

/** A command that is refused for a reason which pigpio has a code for. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(readonly reason: RefusalName) {
    super(`PI_${reason}`);
  }

  /** The code that says so on the wire. */
  get code(): number {
    return refusals[this.reason];
  }

  /** What pigpio would say to an error of the supervisor: there is no such GPIO, or it is not this program's to use. */
  static from(thrown: unknown): Refusal {
    if (thrown instanceof Refusal) return thrown;
    const { code } = HoldfastError.from(thrown);
    return new Refusal(code === "PIN_UNKNOWN" || code === "PIN_AMBIGUOUS" ? "BAD_GPIO" : "NOT_PERMITTED");
  }
}
