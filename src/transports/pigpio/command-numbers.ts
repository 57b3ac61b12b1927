/** The commands that are offered, by their numbers on the wire (pigpio.h, PI_CMD_…). */
export const commandNumbers = {
  MODES: 0,
  MODEG: 1,
  PUD: 2,
  READ: 3,
  WRITE: 4,
  PWM: 5,
  PRS: 6,
  PFS: 7,
  SERVO: 8,
  WDOG: 9,
  BR1: 10,
  BR2: 11,
  BC1: 12,
  BC2: 13,
  BS1: 14,
  BS2: 15,
  TICK: 16,
  HWVER: 17,
  NB: 19,
  NP: 20,
  NC: 21,
  PRG: 22,
  PFG: 23,
  PRRG: 24,
  PIGPV: 26,
  TRIG: 37,
  MICS: 46,
  MILS: 47,
  GDC: 83,
  GPW: 84,
  FG: 97,
  NOIB: 99,
} as const;

/** A command that is offered. */
export type CommandName = keyof typeof commandNumbers;

/** The command of each number. */
export const commandNames: ReadonlyMap<number, CommandName> = new Map(
  Object.entries(commandNumbers).map(([name, number]) => [number, name as CommandName]),
);
