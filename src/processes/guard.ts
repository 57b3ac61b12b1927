import { type ChildProcess, spawn } from "node:child_process";
import { FAMILY_VARIABLE } from "./family.ts";

/**
 * It begins with the groups of its first argument, and each line has all groups that there are then. Where the lines end, the one who wrote
 * them has ended, and the groups of the last one are killed. A line that was cut short is none. Nothing but SIGKILL ends it before:
 * systemd, for one, sends SIGTERM to all processes of a service. Then those of its families go, wherever they are. It looks again for who has
 * been started meanwhile, but not for ever: what waits for a device that does not answer can't be killed.
 */
const SCRIPT = `
trap "" HUP INT TERM
groups=$1
while read -r line; do groups=$line; done
exec 2>/dev/null
for group in $groups; do kill -KILL "-$group"; done
for round in 1 2 3 4 5; do
  kin=$(grep -lsF "$2" /proc/[0-9]*/environ)
  [ -n "$kin" ] || break
  for file in $kin; do file=\${file#/proc/}; kill -KILL "\${file%/environ}"; done
done
`;

/**
 * Kills groups and families of processes when this process ends, however it does: also by SIGKILL. It is a shell that waits at the end of a pipe,
 * and has a session of its own. docs/decisions/a-shell-guards-processes.md says why.
 */
export class Guard {
  readonly #families: string;
  /** By the number of a group, who waits for it to be guarded; null: it is. */
  readonly #groups = new Map<number, (() => void) | null>();
  #shell: ChildProcess | null = null;
  #closed = false;

  /** @param families how the names of all families begin that are to end with this process */
  constructor(families: string) {
    this.#families = families;
  }

  /** @param guarded is called when the group is: from then on it can't outlive this process */
  add(group: number, guarded: () => void): void {
    this.#groups.set(group, guarded);
    this.#tell();
  }

  /** Nobody of the group is left, and its number may be given to another one. */
  remove(group: number): void {
    this.#groups.delete(group);
    if (!this.#closed) this.#tell();
  }

  /** Groups that there are still are killed. */
  close(): void {
    this.#closed = true;
    this.#shell?.stdin?.end();
    this.#shell = null;
  }

  get #line(): string {
    return [...this.#groups.keys()].join(" ");
  }

  /** What a shell that has just been killed is told gets lost: the next one hears it, and who waits is told then. */
  #tell(): void {
    this.#shell ??= this.#start();
    const groups = [...this.#groups.keys()];
    this.#shell.stdin?.write(`${this.#line}\n`, (error) => {
      if (error !== null && error !== undefined) return;
      for (const group of groups) this.#guarded(group);
    });
  }

  #guarded(group: number): void {
    const guarded = this.#groups.get(group);
    if (guarded === null || guarded === undefined) return;
    this.#groups.set(group, null);
    guarded();
  }

  /** Whoever kills it finds another one in its place. */
  #start(): ChildProcess {
    const shell = spawn("/bin/sh", ["-c", SCRIPT, "holdfast-guard", this.#line, `${FAMILY_VARIABLE}=${this.#families}`], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      cwd: "/",
    });
    shell.on("error", () => {
      if (this.#shell === shell) this.#shell = null;
    });
    shell.stdin?.on("error", () => {});
    shell.on("exit", () => {
      if (this.#shell !== shell) return;
      this.#shell = null;
      if (this.#groups.size > 0) this.#tell();
    });
    return shell;
  }
}
