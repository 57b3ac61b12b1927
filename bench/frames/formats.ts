import { formatOf } from "../../src/frames/format.ts";

/** What the images of a run look like. */
export interface Format {
  readonly name: string;
  readonly fourcc: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

const sizes = [
  ["640x480", 640, 480],
  ["1080p", 1920, 1080],
  ["4K", 3840, 2160],
] as const;

/** The sizes of cameras, as YUV420 (YU12) and as BGR (BGR3). */
export const formats: readonly Format[] = ["YU12", "BGR3"].flatMap((fourcc) =>
  sizes.map(([size, width, height]) => {
    const { bytes } = formatOf({ fourcc, width, height, slots: 2 });
    return { name: `${size} ${fourcc}`, fourcc, width, height, bytes };
  }),
);

/** The one of this name. */
export function formatNamed(name: string): Format {
  const format = formats.find((each) => each.name === name);
  if (format === undefined) throw new Error(`there is no format ${name}`);
  return format;
}
