// SPDX-License-Identifier: Apache-2.0

import type { ByteSource } from "../../base/bytes.ts";

/** Joins who writes pieces with who reads bytes; a writer waits until its piece has been read. */
export interface PushSource {
  readonly source: ByteSource;
  /** @throws what `close` was called with */
  push(chunk: Uint8Array): Promise<void>;
  /** No more comes, or never will. */
  end(error?: unknown): void;
  /** Nobody reads any more: writers fail. */
  close(error: unknown): void;
}

export function createPushSource(): PushSource {
  let piece: Uint8Array = new Uint8Array();
  let taken = Promise.withResolvers<void>();
  let arrival = Promise.withResolvers<void>();
  let ending: { readonly error?: unknown } | undefined;
  let refusal: { readonly error: unknown } | undefined;
  // They may settle while nobody waits.
  const quiet = (promise: Promise<void>) => promise.catch(() => {});
  return {
    source: {
      async read(target) {
        while (piece.length === 0) {
          if (ending !== undefined) {
            if (ending.error !== undefined) throw ending.error;
            return 0;
          }
          await arrival.promise;
        }
        const count = Math.min(target.length, piece.length);
        target.set(piece.subarray(0, count));
        piece = piece.subarray(count);
        if (piece.length === 0) taken.resolve();
        return count;
      },
    },
    async push(chunk) {
      if (refusal !== undefined) throw refusal.error;
      if (chunk.length === 0) return;
      piece = chunk;
      const { promise } = taken;
      arrival.resolve();
      arrival = Promise.withResolvers();
      await promise;
      taken = Promise.withResolvers();
    },
    end(error) {
      ending ??= error === undefined ? {} : { error };
      arrival.resolve();
    },
    close(error) {
      refusal = { error };
      taken.reject(error);
      void quiet(taken.promise);
    },
  };
}
