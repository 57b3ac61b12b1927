import { supervisorMachine } from "../../../actors/supervisor.ts";
import { machineDefinition } from "../../machine-definition.ts";
import { formatAddress, ROOT } from "../../protocol/addresses.ts";
import { withDetails } from "../error-details.ts";
import type { Supervisor } from "../supervisor.ts";
import type { Addressed } from "./addressed.ts";
import { addressedActor } from "./addressed-actor.ts";
import { addressedCamera } from "./addressed-camera.ts";
import { addressedClient } from "./addressed-client.ts";
import { addressedPool, addressedSlot } from "./addressed-pool.ts";
import { addressedProcess } from "./addressed-process.ts";
import type { Sources } from "./addresses.ts";

/** The supervisor itself at its address: everybody sees it. */
export function addressedSupervisor({ state }: Supervisor): Addressed {
  return {
    kind: "supervisor",
    address: formatAddress(ROOT),
    state,
    data: () => ({}),
    machine: () => machineDefinition(supervisorMachine),
    isSeenBy: () => true,
  };
}

/** All that a supervisor is made of, by addresses. */
export function sourcesOf(supervisor: Supervisor): Sources {
  const { pins, pools, processes, cameras, actors } = supervisor;
  return {
    supervisor: { all: () => [addressedSupervisor(supervisor)], find: () => addressedSupervisor(supervisor) },
    pin: {
      all: () => pins.open.map(({ named }) => pins.addressed(named)),
      find: ({ pin }) => withDetails({ field: "address" }, () => pins.addressed(pins.lookUp(pin).named)),
    },
    pool: {
      all: () => pools.there.map(addressedPool),
      find: ({ pool }) => pools.there.filter(({ name }) => name === pool).map(addressedPool)[0],
    },
    slot: {
      all: () => pools.there.flatMap((pool) => pool.slots.map((slot) => addressedSlot(pool, slot))),
      find: (address) => {
        const pool = pools.there.find(({ name }) => name === address.pool);
        const slot = pool?.slots[address.slot];
        return pool && slot && addressedSlot(pool, slot);
      },
    },
    process: {
      all: () => processes.there.map(addressedProcess),
      find: ({ process }) => processes.there.filter(({ name }) => name === process).map(addressedProcess)[0],
    },
    camera: {
      all: () => cameras.there.map(addressedCamera),
      find: ({ camera }) => cameras.there.filter(({ name }) => name === camera).map(addressedCamera)[0],
    },
    client: {
      all: () => supervisor.clients.map(addressedClient),
      find: ({ client }) => supervisor.clients.filter(({ number }) => number === client).map(addressedClient)[0],
    },
    actor: {
      all: () => [...actors.byName].map(([name, actor]) => addressedActor(name, actor)),
      find: (address) => {
        const actor = actors.byName.get(address.actor);
        return actor && addressedActor(address.actor, actor);
      },
    },
  };
}
