import manifest from "../package.json" with { type: "json" };

/** The version of holdfast. */
export const version: string = manifest.version;
