/** Where the configuration is looked for unless a path is given. Never in the current folder, which others may be able to write to. */
export const DEFAULT_CONFIG_PATH = "/etc/holdfast/holdfast.toml";
