// SPDX-License-Identifier: Apache-2.0

import { getSystemErrorMap } from "node:util";
import { LadeError, messageOf } from "../base/errors.ts";

/** That a host can't be listened on, in dockerd's words: `listen unix PATH: bind: …`. */
export function listenError(host: string, cause: unknown, hint?: string): LadeError {
  if (cause instanceof LadeError) return cause;
  return new LadeError("LISTEN_FAILED", `listen ${host}: bind: ${systemText(cause)}`, {
    cause,
    hint,
  });
}

/** That somebody else listens there. */
export function addressInUse(host: string): LadeError {
  return new LadeError("LISTEN_FAILED", `listen ${host}: bind: address already in use`);
}

/** What the kernel says, without the call and the path that Node adds. */
export function systemText(error: unknown): string {
  const errno = error instanceof Error && "errno" in error ? Number(error.errno) : 0;
  return getSystemErrorMap().get(errno)?.[1] ?? messageOf(error);
}
