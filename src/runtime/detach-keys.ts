// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";

const defaultKeys = Uint8Array.of(16, 17);
const controlSigns: Readonly<Record<string, number>> = {
  "@": 0,
  "[": 27,
  "\\": 28,
  "]": 29,
  "^": 30,
  _: 31,
};

/**
 * Parses keys such as `ctrl-p,ctrl-q` (`ToBytes` of github.com/moby/term).
 *
 * @param text empty for Docker's default, which is that
 * @throws LadeError CONTAINER_INVALID
 */
export function parseDetachKeys(text: string | undefined): Uint8Array {
  if (!text) return defaultKeys;
  return Uint8Array.from(text.split(","), (key) => {
    const code = keyCode(key);
    if (code === undefined) {
      throw new LadeError("CONTAINER_INVALID", `Invalid detach keys (${text}) provided`, {
        hint: "Write keys as in ctrl-p,ctrl-q or a,b.",
      });
    }
    return code;
  });
}

function keyCode(key: string): number | undefined {
  if (key === "DEL") return 127;
  if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
  const [, sign] = /^ctrl-([a-z@[\\\]^_])$/.exec(key.toLowerCase()) ?? [];
  if (sign === undefined) return undefined;
  return controlSigns[sign] ?? sign.charCodeAt(0) - 96;
}

export interface ScannedInput {
  /** What goes on to the process. */
  readonly bytes: Uint8Array;
  /** The keys came: the rest of the input is dropped. */
  readonly isDetach: boolean;
}

/**
 * Looks for the keys in input that comes in pieces. What may be their beginning waits for the next
 * piece.
 */
export function detachScanner(keys: Uint8Array): (chunk: Uint8Array) => ScannedInput {
  let matched = 0;
  return (chunk) => {
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === keys[matched]) {
        matched += 1;
        if (matched === keys.length) {
          matched = 0;
          return { bytes: Uint8Array.from(out), isDetach: true };
        }
        continue;
      }
      out.push(...keys.subarray(0, matched));
      matched = byte === keys[0] ? 1 : 0;
      if (matched === 0) out.push(byte);
    }
    return { bytes: Uint8Array.from(out), isDetach: false };
  };
}
