// SPDX-License-Identifier: Apache-2.0

/** What a file may be; the words of `src/sys/status.ts`. */
export type GoFileType =
  | "file"
  | "directory"
  | "symlink"
  | "character"
  | "block"
  | "fifo"
  | "socket";

/** Bits of Go's `os.FileMode`. @see https://pkg.go.dev/io/fs#FileMode */
const typeBits: Readonly<Record<GoFileType, number>> = {
  file: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  block: 2 ** 26,
  character: 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
  socket: 2 ** 24,
};

const setuid = 0o4000;
const setgid = 0o2000;
const sticky = 0o1000;

/**
 * A file's type and permissions as Go's `os.FileMode`, which Docker's API sends.
 *
 * @param mode permission bits with setuid, setgid and sticky as Linux has them
 */
export function goFileMode(type: GoFileType, mode: number): number {
  const has = (bit: number) => Math.floor(mode / bit) % 2 === 1;
  return (
    typeBits[type] +
    (mode % 0o1000) +
    (has(setuid) ? 2 ** 23 : 0) +
    (has(setgid) ? 2 ** 22 : 0) +
    (has(sticky) ? 2 ** 20 : 0)
  );
}
