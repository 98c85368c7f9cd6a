// SPDX-License-Identifier: Apache-2.0

/** Modes of a terminal (termios(3)). */

import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";

/** More than any architecture's `struct termios` has: 60 bytes with glibc on x86-64. */
const modesSize = 256;
/** TCSANOW of <termios.h>. */
const now = 0;

/**
 * Hands every key on as it is typed and every byte of output as it is written, which the raw mode
 * of Node doesn't: it still puts a carriage return before each line end.
 *
 * @param fd of a terminal
 * @returns what puts the terminal back; may be called several times
 * @throws SystemError
 */
export function makeTerminalRaw(fd: number): () => void {
  const { tcgetattr, tcsetattr, cfmakeraw } = libcCalls();
  const before = Buffer.alloc(modesSize);
  checkCall(tcgetattr(fd, before), { syscall: "tcgetattr" });
  const raw = Buffer.from(before);
  cfmakeraw(raw);
  checkCall(tcsetattr(fd, now, raw), { syscall: "tcsetattr" });
  let isRaw = true;
  return () => {
    if (!isRaw) return;
    isRaw = false;
    // A terminal that has gone away has no modes to put back.
    tcsetattr(fd, now, before);
  };
}
