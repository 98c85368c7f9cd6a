// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

/**
 * The outcome of reading a body that is read whole, if it comes soon enough. What is late goes on
 * until its connection is closed, which the answer to this error does.
 *
 * @throws LadeError LIMIT_EXCEEDED
 */
export async function inTime<T>(work: Promise<T>, timeoutMs = limits.api.smallBodyMs): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `request body: not complete after ${timeoutMs / 1000} s`;
    late.reject(new LadeError("LIMIT_EXCEEDED", message));
  }, timeoutMs);
  return await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
