/** The device of V4L2 that a source names: by its path, or by its number as OpenCV does it. Null: the first one. */
export function videoDevice(source: string | null): string {
  return source === null || /^\d+$/.test(source) ? `/dev/video${Number(source ?? 0)}` : source;
}
