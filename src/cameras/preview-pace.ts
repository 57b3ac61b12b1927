/** Which frames of a camera are taken when fewer are wanted: those that come nearest to the instants at which one is due. */
export class PreviewPace {
  readonly #periodNs: bigint;
  #dueNs = 0n;
  /** Frames a second that the camera brings now. */
  cameraFps: number;

  /** @param wantedFps of those taken */
  constructor(wantedFps: number, cameraFps: number) {
    this.#periodNs = BigInt(Math.round(1e9 / wantedFps));
    this.cameraFps = cameraFps;
  }

  /** Whether a frame is taken. Of some that came at one instant, as behind a moment in which nothing ran, it is one. @param timestampNs never less than before */
  takes(timestampNs: bigint): boolean {
    if (timestampNs < this.#dueNs) return false;
    // Frames never come just when they are due: half a period of theirs sooner is the nearest one.
    const leewayNs = BigInt(Math.round(5e8 / this.cameraFps));
    const due = this.#dueNs + this.#periodNs;
    this.#dueNs = due > timestampNs ? due : timestampNs + this.#periodNs - leewayNs;
    return true;
  }
}
