import { join } from "node:path";

/** A script of this folder that runs in a process of its own beside this one, and answers what it is told, one thing at a time. */
export class Companion {
  readonly #child: Bun.Subprocess;
  #answer: { resolve(answer: unknown): void; reject(error: Error): void } | undefined;

  constructor(script: string, ...args: readonly string[]) {
    this.#child = Bun.spawn([process.execPath, join(import.meta.dir, script), ...args], {
      env: { ...process.env, NODE_ENV: "production" },
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (answer) => this.#answer?.resolve(answer),
      onExit: () => this.#answer?.reject(new Error(`${script} has ended`)),
    });
  }

  /** Tells it something. @returns its answer */
  tell<Answer>(what: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve: resolve as (answer: unknown) => void, reject };
      this.#child.send(what);
    });
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#answer = undefined;
    this.#child.kill();
    await this.#child.exited;
  }
}
