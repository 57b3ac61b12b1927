import type { Command } from "commander";
import { addressInWords } from "../client/address.ts";
import type { ClientInfo, Counters, ReplyOf } from "../protocol/replies.ts";
import { userActorTable } from "./actor-tables.ts";
import { examples } from "./arguments.ts";
import { cameraTable } from "./camera-tables.ts";
import { formatSpan } from "./durations.ts";
import { pinTable } from "./pins.ts";
import { poolTables } from "./pool-tables.ts";
import { counted, print, printJson, table } from "./print.ts";
import { processTable } from "./process.ts";
import { withClient } from "./session.ts";

/** `holdfast status`. */
export function addStatus(program: Command): void {
  const status = program
    .command("status")
    .summary("Show the supervisor, its clients, open pins, pools, cameras, processes and users' actors")
    .description(
      "Show the supervisor that answers on the socket: its state, what it has counted, its clients, its open pins, its pools with the state " +
        "and owner of every slot, its cameras, its processes and the actors of users. Why frames were dropped is in --json.",
    )
    .option("--json", "print all that is known, as the reply to the protocol's `status`")
    .action(({ json }: { readonly json?: true }, command: Command) =>
      withClient(command, async (client, address) => {
        const reply = await client.status();
        const place = address.kind === "unix" ? { socket: address.path } : { url: addressInWords(address) };
        await (json ? printJson({ ...place, ...reply }) : print(describe(reply, Object.entries(place).flat().join(" "))));
      }),
    );
  examples(status, {
    "holdfast status": "for a person",
    "holdfast status --json | jq .counters.lostEvents": "for a program",
  });
}

function describe(
  { state, version, pid, uptimeMs, backend, counters, clients, pins, pools, processes, cameras, actors }: ReplyOf<"status">,
  place: string,
): string {
  const chips = backend === "sim" ? "simulated chips" : "the machine's chips";
  return [
    `holdfast ${version}, pid ${pid}, ${state} for ${formatSpan(uptimeMs)} on ${chips}, ${place}`,
    tally(counters),
    "",
    clientTable(clients),
    ...(pins.length === 0 ? ["", "No pin is open."] : ["", pinTable(pins)]),
    ...(pools.length === 0 ? [] : ["", poolTables(pools)]),
    ...(cameras.length === 0 ? [] : ["", cameraTable(cameras, pools)]),
    ...(processes.length === 0 ? [] : ["", processTable(processes)]),
    ...(actors.length === 0 ? [] : ["", userActorTable(actors)]),
  ].join("\n");
}

/** What has been counted, on one line. Of frames and messages only where there are any. */
export function tally(counters: Counters): string {
  const { accepted, done, cancelled, edges, lostEvents, requests, errors } = counters;
  const { framesPublished, framesDelivered, framesDropped, leasesRevoked, slotsQuarantined, holdsLost } = counters;
  const { messagesPublished, messagesTold } = counters;
  const fates = `${framesDelivered} delivered, ${framesDropped} dropped, ${leasesRevoked} revoked`;
  return [
    `${counted(requests, "request")}, ${errors} refused`,
    `${counted(accepted, "command")}: ${done} done, ${cancelled} cancelled`,
    `${counted(edges, "edge")}, ${lostEvents} lost`,
    ...(holdsLost === 0 ? [] : [`${counted(holdsLost, "hold")} lost by silence`]),
    ...(framesPublished === 0 ? [] : [`${counted(framesPublished, "frame")}: ${fates}`]),
    ...(messagesPublished === 0 ? [] : [`${counted(messagesPublished, "message")} on topics, ${messagesTold} told`]),
    ...(slotsQuarantined === 0 ? [] : [`${counted(slotsQuarantined, "slot")} quarantined`]),
  ].join(" · ");
}

function clientTable(clients: readonly ClientInfo[]): string {
  const headings = ["CLIENT", "NAME", "PID", "UID", "BY", "FOR", "PINS"];
  const rows = clients.map(({ client, name, pid, uid, transport, address, connectedMs, pins }) => [
    String(client),
    name,
    String(pid ?? "-"),
    String(uid ?? "-"),
    address === null ? transport : `${transport} ${address}`,
    formatSpan(connectedMs),
    pins.join(" ") || "-",
  ]);
  return table(headings, rows);
}
