// SPDX-License-Identifier: Apache-2.0

/** What went wrong, in the terms that exit codes and HTTP statuses are made from. */
export type ErrorKind =
  | "invalid"
  | "not-found"
  | "conflict"
  | "denied"
  | "unsupported"
  | "unavailable"
  | "data-loss"
  | "internal";

/** Every error code of lade and its kind. Append only: scripts rely on the codes. */
export const errorKinds = {
  API_INVALID: "invalid",
  API_STOPPED: "unavailable",
  ARCHIVE_AMBIGUOUS: "invalid",
  ARCHIVE_IS_FILESYSTEM: "invalid",
  ARCHIVE_IS_IMAGE: "invalid",
  ARCHIVE_LAYER_MISSING: "invalid",
  ARCHIVE_MEMBER_MISSING: "invalid",
  ARCHIVE_NOT_FOUND: "not-found",
  ARCHIVE_UNRECOGNIZED: "invalid",
  BLOB_NOT_FOUND: "data-loss",
  CHANGE_INVALID: "invalid",
  COMMAND_NOT_EXECUTABLE: "invalid",
  COMMAND_NOT_FOUND: "not-found",
  COMPRESSION_CORRUPT: "invalid",
  CONTAINER_CONFLICT: "conflict",
  CONTAINER_INVALID: "invalid",
  CONTAINER_NOT_FOUND: "not-found",
  CONTAINER_NOT_RUNNING: "conflict",
  CONTAINER_READ_ONLY: "denied",
  DIGEST_INVALID: "invalid",
  DIGEST_MISMATCH: "data-loss",
  DISK_FULL: "unavailable",
  DOCUMENT_INVALID: "invalid",
  DOWNLOAD_FAILED: "unavailable",
  EXEC_NOT_FOUND: "not-found",
  FILTER_INVALID: "invalid",
  HISTORY_UNCLEAR: "unsupported",
  IMAGE_AMBIGUOUS: "invalid",
  IMAGE_IN_USE: "conflict",
  IMAGE_NOT_FOUND: "not-found",
  IO_FAILED: "unavailable",
  LAYER_INVALID: "invalid",
  LIMIT_EXCEEDED: "invalid",
  LISTEN_FAILED: "unavailable",
  MOUNT_FAILED: "unavailable",
  NAME_ESCAPES: "invalid",
  NETWORK_FAILED: "unavailable",
  NETWORK_IN_USE: "conflict",
  NETWORK_NOT_FOUND: "not-found",
  NETWORK_PREDEFINED: "denied",
  OUTPUT_INVALID: "invalid",
  PATH_NOT_FOUND: "not-found",
  PIPE_CLOSED: "unavailable",
  PLATFORM_INVALID: "invalid",
  PLATFORM_NOT_FOUND: "not-found",
  PORT_TAKEN: "conflict",
  REFERENCE_INVALID: "invalid",
  ROLLBACK_INVALID: "invalid",
  ROOT_NEEDED: "denied",
  RUNTIME_FAILED: "unavailable",
  RUNTIME_MISSING: "unavailable",
  STORE_BUSY: "unavailable",
  STORE_DAMAGED: "data-loss",
  STORE_DENIED: "denied",
  STORE_VERSION: "unsupported",
  TAR_CHECKSUM: "invalid",
  TAR_FIELD: "invalid",
  TAR_TRUNCATED: "invalid",
  TEMPLATE_EXECUTION: "invalid",
  TEMPLATE_INVALID: "invalid",
  UNSUPPORTED: "unsupported",
  USAGE: "invalid",
  VOLUME_IN_USE: "conflict",
  VOLUME_NOT_FOUND: "not-found",
} as const;

export type ErrorCode = keyof typeof errorKinds;

export interface LadeErrorOptions {
  /** What to do next: one sentence in the imperative. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An error that a user can act on.
 *
 * The message names the place first, then what was wanted and what was found; `hint` says what to
 * do. A plain `Error` is a bug in lade and is never caught below the command line.
 */
export class LadeError extends Error {
  override readonly name: string = "LadeError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: LadeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}

/** True for an error of lade's, and only for the given code where one is named. */
export function isLadeError(error: unknown, code?: ErrorCode): error is LadeError {
  return error instanceof LadeError && (code === undefined || error.code === code);
}

/** True for an error of Node's that carries the given system code, such as `ENOENT`. */
export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What went wrong first, where putting away what was in use failed as well. */
export function firstThrown(error: unknown): unknown {
  let first = error;
  while (first instanceof SuppressedError) first = first.suppressed;
  return first;
}
