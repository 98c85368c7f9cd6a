// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";

/** A setting that a container can't have. */
export function containerInvalid(message: string, hint?: string): LadeError {
  return new LadeError("CONTAINER_INVALID", message, { hint });
}

/** Something that the container's state does not allow. */
export function containerConflict(message: string, hint?: string): LadeError {
  return new LadeError("CONTAINER_CONFLICT", message, { hint });
}

export function containerNotRunning(id: string): LadeError {
  return new LadeError("CONTAINER_NOT_RUNNING", `container ${id} is not running`);
}
