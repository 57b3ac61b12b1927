/** What a pipeline is to deliver, and from where. */
export interface StreamSettings {
  /** The device, the URL or the path; null: what the pipeline takes by itself. */
  readonly source: string | null;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly fps: number;
  /** FourCC: `BGR3`, `MJPG`. */
  readonly format: string;
}

/** A kind of program that writes the frames of a camera to its stdout: one file of this folder each. */
export interface Pipeline {
  /** What is run. */
  readonly program: string;
  /** The package of Debian that has it. */
  readonly debianPackage: string;
  /** What it can deliver, as FourCCs. */
  readonly formats: readonly string[];
  /**
   * The arguments of the program.
   * @throws HoldfastError `MISSING_FIELD`, `BAD_FIELD` with the `field`
   */
  args(stream: StreamSettings): readonly string[];
}
