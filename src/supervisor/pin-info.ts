import type { Clock } from "../clock/clock.ts";
import { levelAt } from "../gpio/levels.ts";
import type { NamedPin } from "../gpio/named-pin.ts";
import type { NamedLine } from "../gpio/pin-names.ts";
import type { PinInfo } from "../protocol/replies.ts";
import type { Pin } from "./pin.ts";
import { finite } from "./pin-settings.ts";
import { toldIfSteady } from "./told-levels.ts";

/**
 * A line, or a group, as `pins` and `status` show it.
 * @param pin the open one that it is, or is a part of
 * @param usedBy the consumer that the kernel names, ours included
 */
export function pinInfo(named: NamedPin, pin: Pin | undefined, clock: Clock, usedBy: string | null): PinInfo {
  const { lines } = named;
  const [first] = lines as [NamedLine];
  const isGroup = lines.length > 1;
  const place = {
    pin: named.pin,
    line: lines.map(({ line }) => line).join("+"),
    names: isGroup ? [named.pin] : [...first.names],
    ...(isGroup && { members: lines.map((line) => line.pin) }),
  };
  if (pin === undefined) {
    return { ...place, ...closed, usedBy };
  }
  const { tenant, settings } = pin;
  const output = tenant.direction === "out";
  const isPart = pin.named.lines.length > lines.length;
  const level = isPart && tenant.level !== null ? levelAt(tenant.level, pin.indexOf(first)) : tenant.level;
  return {
    ...place,
    ...(isPart && { group: pin.name }),
    state: pin.state,
    direction: tenant.direction,
    ...toldIfSteady(level, lines.length),
    value: tenant.value,
    mode: tenant.mode,
    queued: tenant.queued,
    command: tenant.command?.number ?? null,
    holders: pin.holders.map(({ client, share, sinceUs, onDisconnect, heartbeatMs }) => ({
      client: client.number,
      name: client.name,
      address: client.peer.address,
      pid: client.peer.pid,
      uid: client.peer.uid,
      heldMs: (clock.nowUs() - sinceUs) / 1000,
      share,
      onDisconnect,
      heartbeatMs,
    })),
    unowned: pin.unowned,
    usedBy: null,
    settings: {
      activeLow: settings.activeLow,
      bias: settings.bias,
      drive: output ? settings.drive : null,
      closeLevel: output ? settings.closeLevel : null,
      frequencyHz: output ? settings.frequencyHz : null,
      pwm: pin.bounds.pwm?.channel ?? null,
      maxOnMs: output ? finite(settings.maxOnMs) : null,
      debounceUs: output ? null : settings.debounceUs,
    },
  };
}

const closed = {
  state: "closed",
  direction: null,
  level: null,
  value: null,
  mode: null,
  queued: 0,
  command: null,
  holders: [],
  unowned: false,
  settings: null,
} satisfies Partial<PinInfo>;
