import type { Clock } from "../clock/clock.ts";
import type { NamedLine } from "../gpio/pin-names.ts";
import type { PinInfo } from "../protocol/replies.ts";
import type { Pin } from "./pin.ts";
import { finite } from "./pin-settings.ts";

/**
 * A line as `pins` and `status` show it.
 * @param usedBy the consumer that the kernel names, ours included
 */
export function pinInfo({ pin: name, line, names }: NamedLine, pin: Pin | undefined, clock: Clock, usedBy: string | null): PinInfo {
  const place = { pin: name, line, names: [...names] };
  if (pin === undefined) {
    return { ...place, ...closed, usedBy };
  }
  const { tenant, settings } = pin;
  const output = tenant.direction === "out";
  return {
    ...place,
    state: pin.state,
    direction: tenant.direction,
    level: tenant.level,
    value: tenant.value,
    mode: tenant.mode,
    queued: tenant.queued,
    command: tenant.command?.number ?? null,
    holders: pin.holders.map(({ client, share, sinceUs, onDisconnect, heartbeatMs }) => ({
      client: client.number,
      name: client.name,
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
