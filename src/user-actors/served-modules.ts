import * as xstate from "xstate";
import * as zod from "zod";
import * as client from "../index-client.ts";
import { defineActor } from "./define-actor.ts";

/** What users' files may import wherever they are, and get from the library itself: there may be no node_modules beside them. */
const served: Readonly<Record<string, object>> = {
  xstate,
  zod,
  "zod/v4": zod,
  holdfast: { ...client, defineActor },
  "holdfast/client": client,
};

/** Has imports of this thread find the modules. Under Node they are found as any package is. */
export function serveModules(): void {
  if (process.versions.bun === undefined) return;
  Bun.plugin({
    name: "holdfast",
    setup: (build) => {
      for (const [specifier, exports] of Object.entries(served))
        build.module(specifier, () => ({ exports: { ...exports }, loader: "object" }));
    },
  });
}
