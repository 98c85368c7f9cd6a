// SPDX-License-Identifier: Apache-2.0

/**
 * A string in which each character is one byte (0 to 255).
 *
 * Names in a tar are bytes, not text: two names that no UTF-8 decoder tells apart are two files.
 * One character a byte keeps them distinct, comparable and fit as keys of a map.
 */
export type ByteString = string;

export type TarEntryType =
  | "file"
  | "hardlink"
  | "symlink"
  | "character"
  | "block"
  | "directory"
  | "fifo";

/** A run of data inside a sparse file; bytes between runs are zero. */
export interface SparseRun {
  /** Where the run lies in the file. */
  readonly offset: number;
  readonly size: number;
}

/** One member of a tar and where its data lies. */
export interface TarEntry {
  /** As stored, with leading `./` or `/` and trailing `/`. */
  readonly path: ByteString;
  /** Target of a hard link or symlink, else empty. */
  readonly linkPath: ByteString;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch, rounded down; may be negative. */
  readonly mtimeSeconds: number;
  /** 0 to 999,999,999. */
  readonly mtimeNanoseconds: number;
  /** Bytes of the file as a reader sees them. */
  readonly size: number;
  /** Where the stored data starts in the tar. */
  readonly dataOffset: number;
  /** Bytes stored in the tar; smaller than `size` for a sparse file. */
  readonly storedSize: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes, values as bytes, in the order of the archive. */
  readonly xattrs: readonly (readonly [name: ByteString, value: ByteString])[];
  /** Runs of a sparse file, in order; undefined for an ordinary file. */
  readonly sparse: readonly SparseRun[] | undefined;
}

/** The bytes as a `ByteString`. */
export function toByteString(bytes: Buffer, start = 0, end: number = bytes.length): ByteString {
  return bytes.toString("latin1", start, end);
}

/** The text that the bytes stand for, for people to read; invalid UTF-8 becomes U+FFFD. */
export function byteStringToText(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The bytes of a text in UTF-8. */
export function textToByteString(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}
