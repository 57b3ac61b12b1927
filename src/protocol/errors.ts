/**
 * Every code that holdfast can answer with, and what it means. Codes are stable: programs match on them.
 * docs/errors.md lists the same codes with their remedies; a test compares the two.
 */
export const errorCodes = {
  BAD_LENGTH: "A frame announces a length of zero; the connection is closed.",
  BAD_CBOR: "The bytes of a frame are not one CBOR map in the profile of the protocol.",
  UNKNOWN_OP: "No such operation.",
  UNKNOWN_FIELD: "The operation has no such field.",
  MISSING_FIELD: "A field that the operation needs is absent.",
  BAD_FIELD: "A field has the wrong type or is out of range.",
  ID_IN_USE: "A request with this id still awaits its reply.",
  BAD_PROTOCOL: "The peer speaks another version of the protocol.",
  PIN_UNKNOWN: "No line has this name.",
  PIN_AMBIGUOUS: "Several lines have this name.",
  PIN_NOT_OPEN: "The client does not hold this pin.",
  HOLD_LOST: "The client was silent for longer than its heartbeat allows, and holds this pin no more.",
  PIN_ALREADY_OPEN: "The client holds this pin already, under this name or another.",
  PIN_BUSY: "Another client holds the pin.",
  PIN_CONFLICT: "The pin is open, or configured, with another setting.",
  PIN_CLOSING: "The pin is closing and takes no more commands.",
  PIN_DIRECTION: "The operation is for pins of the other direction.",
  COMMAND_UNKNOWN: "No such command is queued or running on this pin.",
  SUB_UNKNOWN: "The client has no such subscription.",
  LINE_BUSY: "The kernel refuses the line: another program holds it.",
  LINE_UNSUPPORTED: "The kernel or the chip's driver refuses this setting.",
  LINE_LOST: "The chip of this line has gone.",
  LINE_FAILED: "The kernel refuses an operation on the line for a reason without a code of its own.",
  POOL_UNKNOWN: "There is no pool of this name.",
  POOL_EXISTS: "There is a pool of this name already.",
  POOL_GONE: "The pool, or the file that it had, has been removed.",
  POOL_OWNED: "The pool is that of a camera, which makes it and removes it.",
  POOL_SLOTS: "The pool has too few slots for this subscription.",
  FORMAT_UNKNOWN: "No such pixel format.",
  SLOT_NONE: "No slot came free within the time that the producer waits.",
  LEASE_UNKNOWN: "No such lease is held: it was never granted, or has ended.",
  LEASE_FOREIGN: "Another client holds this lease.",
  LEASE_KIND: "The lease is for reading where one for writing is needed, or the other way round.",
  PROCESS_ENDED: "The process that made the connection has ended, and another one uses it.",
  FRAME_TOO_LONG: "The frame is longer than its slot.",
  FRAME_BUSY: "An operation under way may still store into the frame, or its memory has been passed on.",
  FRAME_RELEASED: "The frame has been released, published or given up, and its memory may not be touched any more.",
  GROUP_CONFLICT: "The group of consumers exists with another setting.",
  MEMORY_FULL: "The shared memory has no room for the pool.",
  MEMORY_FAILED: "The shared memory cannot be used.",
  PROCESS_UNKNOWN: "No process of this name is supervised.",
  PROCESS_FAILED: "The process has ended, or could not be started.",
  PROGRAM_MISSING: "The program of a process, or its folder, is not there or may not be used.",
  ACTOR_UNKNOWN: "There is no actor of this address.",
  ACTOR_NOT_RUNNING: "The actor does not run.",
  ACTOR_FAILED: "The actor has failed, or could not be started.",
  BAD_ACTOR: "A file that defines no actor, or defines it wrongly.",
  EVENT_UNKNOWN: "The actor takes no event of this type.",
  EVENT_INVALID: "The event lacks a field, or has one that is wrong.",
  ASK_TIMEOUT: "The actor did not answer in time.",
  CAMERA_UNKNOWN: "There is no camera of this name.",
  CAMERA_EXISTS: "There is a camera of this name already.",
  CAMERA_STOPPED: "The camera does not capture, so this can't be had of it.",
  CAMERA_STALLED: "The camera has brought no frame for too long, or the program of its preview or recording has taken none.",
  CAMERA_FAILED: "The capture of the camera has ended.",
  DEVICE_BUSY: "The device is another camera's, or another program has it.",
  DEVICE_GONE: "The device is not there, or has been unplugged.",
  DEVICE_REFUSED: "The device refuses what is asked of it, as a size or a format.",
  PIPELINE_EXITED: "The program that brings the frames, or that of a preview or recording, has ended.",
  SAVE_FAILED: "What a camera is to save can't be written.",
  FRAME_TRUNCATED: "The frames ended, or stopped, within a frame.",
  BAD_CONFIG: "The configuration has a mistake.",
  PERMISSION_DENIED: "The process may not open this device or file.",
  NOT_SIMULATED: "The operation is for simulated chips only.",
  NO_BACKEND: "The chosen GPIO backend cannot be used on this machine.",
  LIMIT_MESSAGE: "A message is longer than the limit.",
  LIMIT_DEPTH: "A message is nested deeper than the limit.",
  LIMIT_CLIENTS: "The supervisor serves as many clients as it may.",
  LIMIT_SUBSCRIPTIONS: "The client has as many subscriptions as it may.",
  LIMIT_LEASES: "The client has as many leases as it may.",
  LIMIT_PENDING: "The client has as many unanswered requests as it may.",
  LIMIT_QUEUE: "The pin has as many queued commands as it may.",
  LIMIT_ON: "A closed pin could stay on for longer than lines may be active here.",
  LIMIT_POOLS: "The supervisor has as many pools as it may.",
  LIMIT_META: "The meta of a frame is longer than the limit.",
  LIMIT_TOPICS: "As many topics keep a value as may.",
  LIMIT_UNSENT: "The client does not read what it is sent; the connection is closed.",
  SHUTTING_DOWN: "The supervisor is draining and takes no more work.",
  ALREADY_RUNNING: "Another supervisor serves this socket.",
  SOCKET_PATH: "The socket cannot be made at this path.",
  ADDRESS_IN_USE: "Another program listens on this address and port.",
  FORBIDDEN: "The client has no right to do this.",
  PEER_SILENT: "The client sent nothing for longer than the heartbeat of its connection, which is closed.",
  NOT_LOCAL: "Frames are in shared memory, which a connection over the network does not reach.",
  TLS_FAILED: "No encrypted connection can be made, or the supervisor's certificate cannot be trusted.",
  NOT_RUNNING: "No supervisor answers on the socket, or at the address on the network.",
  DISCONNECTED: "The connection ended before the reply came.",
  INTERNAL: "A defect in holdfast; the log has the details.",
} as const satisfies Record<string, string>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorCodes;

/** What an error says beside its code and sentence: `field` names the offending field, the rest depends on the code. */
export type ErrorDetails = { readonly field?: string } & Readonly<Record<string, unknown>>;

/** An error on the wire. */
export type ErrorValue = { readonly code: string; readonly message: string } & ErrorDetails;

/**
 * The one error class. `code` is for programs, `message` is a sentence for a person, `details` are the fields that
 * travel beside them (`field`, `pin`, `holder`, `remainingMs`, …).
 */
export class HoldfastError extends Error {
  override readonly name = "HoldfastError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** This error as a value of the protocol. */
  toValue(): ErrorValue {
    return { ...this.details, code: this.code, message: this.message };
  }

  /** The error that a reply carries. A code that this version does not know becomes `INTERNAL`, its name kept in the message. */
  static fromValue({ code, message, ...details }: ErrorValue): HoldfastError {
    return code in errorCodes
      ? new HoldfastError(code as ErrorCode, message, details)
      : new HoldfastError("INTERNAL", `${code}: ${message}`, details);
  }

  /** Any thrown thing as a HoldfastError; what is not one already is a defect of ours: `INTERNAL`. */
  static from(thrown: unknown): HoldfastError {
    if (thrown instanceof HoldfastError) return thrown;
    return new HoldfastError("INTERNAL", thrown instanceof Error ? thrown.message : String(thrown), {}, { cause: thrown });
  }
}
