// SPDX-License-Identifier: Apache-2.0

import { type ErrorCode, type ErrorKind, isLadeError } from "../base/errors.ts";

const ofKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  denied: 403,
  "not-found": 404,
  conflict: 409,
  internal: 500,
  unavailable: 500,
  "data-loss": 500,
  unsupported: 501,
};

/** Where Docker's status is another one than the kind of error has. */
const ofCode: Partial<Record<ErrorCode, number>> = {
  API_STOPPED: 503,
  // `startInvalidConfigError` of moby (daemon/errors.go): a command that is not there is a bad request.
  COMMAND_NOT_FOUND: 400,
  PORT_TAKEN: 500,
  ROOT_NEEDED: 500,
  STORE_DENIED: 500,
};

/** The HTTP status that tells of an error. */
export function statusOf(error: unknown): number {
  if (!isLadeError(error)) return 500;
  return ofCode[error.code] ?? ofKind[error.kind];
}
