import type { Drive, Level } from "../../protocol/requests.ts";

/** All levels in this file are physical: 0 is low, 1 is high, whatever is active. */

/** Where a line meets its wire: what it and the outside world do to the wire there. */
export class Pad {
  /** The output stage; null: an input, which drives nothing. */
  output: { readonly level: Level; readonly drive: Drive } | null = null;
  /** The pull resistor; null: none. */
  pull: Level | null = null;
  /** What the outside world drives here: a button, another board; null: nothing. */
  outside: Level | null = null;
  net: Net;

  /** @param see told of each change of the wire's level; it must change no net itself */
  constructor(readonly see: (level: Level) => void) {
    this.net = { pads: [this], level: 0, contended: false };
  }
}

/** Pads joined by wires, and the level that all of them see. */
export interface Net {
  readonly pads: readonly Pad[];
  level: Level;
  /** Two drivers disagree. */
  contended: boolean;
}

/** What the output stage does to the wire: open drain can only pull it low, open source only high. */
function driven({ output }: Pad): Level | null {
  if (output === null) return null;
  if (output.drive === "open-drain") return output.level === 0 ? 0 : null;
  if (output.drive === "open-source") return output.level === 1 ? 1 : null;
  return output.level;
}

/**
 * The level that a net takes: a driver beats every pull, a pull beats the charge that is left on an open wire (`floating`).
 * Contention reads as 0, and pulls that disagree leave the wire undefined, which here means as it was.
 */
function resolve(pads: readonly Pad[], floating: Level): { level: Level; contended: boolean } {
  const drivers = { 0: false, 1: false };
  const pulls = { 0: false, 1: false };
  for (const pad of pads) {
    const output = driven(pad);
    if (output !== null) drivers[output] = true;
    if (pad.outside !== null) drivers[pad.outside] = true;
    if (pad.pull !== null) pulls[pad.pull] = true;
  }
  if (drivers[0] || drivers[1]) return { level: drivers[0] ? 0 : 1, contended: drivers[0] && drivers[1] };
  if (pulls[0] !== pulls[1]) return { level: pulls[1] ? 1 : 0, contended: false };
  return { level: floating, contended: false };
}

/**
 * Gives a net the level that its pads now make, and tells them when it changed.
 * @returns whether drivers have begun to disagree
 */
export function settle(net: Net): boolean {
  const { level, contended } = resolve(net.pads, net.level);
  const begun = contended && !net.contended;
  net.contended = contended;
  if (level !== net.level) {
    net.level = level;
    for (const pad of net.pads) pad.see(level);
  }
  return begun;
}

/**
 * Makes one net of two pads' nets. Of two open wires with different levels the joint one reads 0.
 * @returns whether drivers have begun to disagree
 */
export function join(a: Pad, b: Pad): boolean {
  if (a.net === b.net) return false;
  const nets = [a.net, b.net];
  const pads = nets.flatMap((net) => net.pads);
  const { level, contended } = resolve(pads, a.net.level === b.net.level ? a.net.level : 0);
  const joint: Net = { pads, level, contended };
  for (const pad of pads) pad.net = joint;
  for (const net of nets) {
    if (net.level !== level) for (const pad of net.pads) pad.see(level);
  }
  return contended && !nets.some((net) => net.contended);
}
