import { clientMachine } from "../../../actors/client.ts";
import { machineDefinition } from "../../machine-definition.ts";
import { formatAddress } from "../../protocol/addresses.ts";
import type { Client } from "../client.ts";
import type { Addressed } from "./addressed.ts";

/** A client at its address: operators see it, and it sees itself. */
export function addressedClient(client: Client): Addressed {
  return {
    kind: "client",
    address: formatAddress({ kind: "client", client: client.number }),
    state: client.state,
    data: () => {
      const { name, peer } = client;
      return { name, transport: peer.transport, address: peer.address, pid: peer.pid, uid: peer.uid };
    },
    machine: () => machineDefinition(clientMachine),
    isSeenBy: (asker) => asker === client || asker.rights.access.admin,
  };
}
