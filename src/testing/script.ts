import fc from "fast-check";

/** One step of a script: what it does to a scene, in the words that a failure prints. One for a scene fits every scene that has more. */
export interface Step<Scene extends object> {
  /** Whether it applies. */
  readonly check: (scene: Readonly<Scene>) => boolean;
  /** fast-check would give it a model and what is real; here they are one scene. */
  readonly run: (scene: Scene, same: Scene) => Promise<void>;
  readonly toString: () => string;
}

/** A step that does `run`; where it does not apply it is left out. */
export function step<Scene extends object>(
  words: string,
  run: (scene: Scene) => void | Promise<void>,
  applies: (scene: Scene) => boolean = () => true,
): Step<Scene> {
  return { check: applies, run: async (scene) => run(scene), toString: () => words };
}

/**
 * Scripts of up to `most` steps, each one of `steps`: name one twice and it comes twice as often.
 * A script that fails is shrunk to the steps that it takes to fail. FC_STEPS in the environment goes straight to those.
 */
export function scripts<Scene extends object>(
  steps: readonly fc.Arbitrary<Step<Scene>>[],
  most: number,
): fc.Arbitrary<Iterable<Step<Scene>>> {
  const { FC_STEPS: replayPath } = process.env;
  const settings = { maxCommands: most, size: "max", ...(replayPath === undefined ? {} : { replayPath }) } as const;
  return fc.commands([...steps], settings) as fc.Arbitrary<Iterable<Step<Scene>>>;
}

/**
 * Plays a script in a scene.
 * @param check what must hold behind every step: it throws when it does not
 */
export async function play<Scene extends object>(
  script: Iterable<Step<Scene>>,
  scene: Scene,
  check: (scene: Scene) => void | Promise<void> = () => {},
): Promise<void> {
  for (const each of script) {
    if (!each.check(scene)) continue;
    await each.run(scene, scene);
    await check(scene);
  }
}
