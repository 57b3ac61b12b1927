import type { Command } from "commander";
import type { TopicInfo } from "../protocol/replies.ts";
import { examples } from "./arguments.ts";
import { formatNs, print, printJson, table } from "./print.ts";
import { withClient } from "./session.ts";

/** `holdfast topics`. */
export function addTopics(program: Command): void {
  const topics = program
    .command("topics")
    .summary("List the topics that keep a value")
    .description(
      "List the topics that keep a value: its bytes, when it was published in seconds since boot, by whom, and how many subscriptions there " +
        "are to it. The values themselves: holdfast sub.",
    )
    .option("--json", "print all that is known, as the reply to the protocol's `topics`")
    .action(({ json }: { readonly json?: true }, command: Command) =>
      withClient(command, async (client) => {
        const kept = await client.topics();
        if (json) await printJson({ topics: kept });
        else if (kept.length > 0) await print(topicTable(kept));
      }),
    );
  examples(topics, {
    "holdfast topics": "what is kept",
    "holdfast topics --json | jq -r '.topics[] | select(.subscribers == 0) | .topic'": "those that nobody listens to",
  });
}

function topicTable(topics: readonly TopicInfo[]): string {
  return table(
    ["TOPIC", "BYTES", "PUBLISHED", "BY", "SUBSCRIPTIONS"],
    topics.map(({ topic, bytes, timestampNs, by, subscribers }) => [topic, String(bytes), formatNs(timestampNs), by, String(subscribers)]),
  );
}
