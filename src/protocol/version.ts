/** The version of the protocol that this code speaks. Apart from the schemas, which a client that only speaks has no use for. */
export const PROTOCOL_VERSION = 1;
