import { z } from "zod";
import { HoldfastError } from "../protocol/errors.ts";
import { issueInWords } from "../protocol/issue-in-words.ts";
import type { AcceptedEvent, ActorEvent } from "./actor-host.ts";
import type { EventDeclarations } from "./declarations.ts";
import { thrownInWords } from "./failure.ts";

/** The events that an actor's author lets anyone send. */
export class AcceptedEvents {
  readonly #schemas: ReadonlyMap<string, z.ZodObject>;

  constructor(events: EventDeclarations) {
    this.#schemas = new Map(Object.entries(events).map(([type, shape]) => [type, z.strictObject(shape)]));
  }

  /** Each with what it has beside its type, as a JSON Schema. */
  get described(): AcceptedEvent[] {
    return [...this.#schemas].map(([type, schema]) => {
      const { $schema: _, ...described } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
      return { type, schema: described };
    });
  }

  /**
   * An event as its author's schema makes it.
   * @throws HoldfastError `EVENT_UNKNOWN`, `EVENT_INVALID`, `ACTOR_FAILED` when the schema itself throws
   */
  parse({ type, ...fields }: ActorEvent): ActorEvent {
    const schema = this.#schemas.get(type);
    if (schema === undefined) {
      const accepts = [...this.#schemas.keys()];
      const listed = accepts.length === 0 ? "takes no events" : `takes ${accepts.join(", ")}`;
      throw new HoldfastError("EVENT_UNKNOWN", `there is no event "${type}": the actor ${listed}`, { field: "event.type", accepts });
    }
    const { data, error } = parsedBy(schema, type, fields);
    if (error === undefined) return { ...data, type };
    throw invalid(type, error.issues[0] as z.core.$ZodIssue, Object.keys(schema.shape));
  }
}

/** An author's own check may throw, or answer only later, which nobody waits for. */
function parsedBy(schema: z.ZodObject, type: string, fields: object) {
  try {
    return schema.safeParse(fields);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : thrownInWords(thrown);
    throw new HoldfastError("ACTOR_FAILED", `the schema of ${type} can't tell whether this is one: ${why}`, {}, { cause: thrown });
  }
}

function invalid(type: string, issue: z.core.$ZodIssue, accepts: readonly string[]): HoldfastError {
  const isUnknown = issue.code === "unrecognized_keys";
  const path = [...issue.path, ...(isUnknown ? issue.keys.slice(0, 1) : [])].join(".");
  const words = isUnknown ? `there is no such field; it has ${accepts.join(", ") || "none"}` : issueInWords(issue);
  return new HoldfastError("EVENT_INVALID", `${type}: ${path}: ${words}`, { field: path === "" ? "event" : `event.${path}`, accepts });
}
