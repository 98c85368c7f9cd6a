// SPDX-License-Identifier: Apache-2.0

import type { ByteString } from "../tar/entry.ts";

/** @see <linux/posix_acl_xattr.h>, and posix_acl_valid() for the order of entries */
const version = 2;
const headerSize = 4;
const entrySize = 8;
const tags = { owner: 1, user: 2, group: 4, namedGroup: 8, mask: 16, other: 32 } as const;
const noId = 0xffffffff;
const maxPermissions = 7;

interface AclEntry {
  readonly tag: number;
  permissions: number;
  readonly id: number;
}

/**
 * A POSIX ACL as Linux keeps it after it was set and the file's mode was set after it, which is the
 * order in which layers are unpacked: the mode then says what owner, mask (or group) and others may.
 *
 * @param mode permissions to work into an access ACL; undefined for a default ACL
 * @returns undefined where the ACL says no more than the mode, "invalid" for what setxattr(2) refuses
 */
export function normalizeAcl(
  value: ByteString,
  mode: number | undefined,
): ByteString | undefined | "invalid" {
  const entries = decodeAcl(value);
  if (entries === undefined || !isOrdered(entries)) return "invalid";
  if (entries.length === 0) return undefined;
  const isExtended = entries.length > 3;
  if (mode !== undefined) {
    if (!isExtended) return undefined;
    applyMode(entries, mode);
  }
  return encodeAcl(entries);
}

function decodeAcl(value: ByteString): AclEntry[] | undefined {
  const bytes = Buffer.from(value, "latin1");
  const isWhole = bytes.length >= headerSize && (bytes.length - headerSize) % entrySize === 0;
  if (!isWhole || bytes.readUInt32LE(0) !== version) return undefined;
  const entries: AclEntry[] = [];
  for (let at = headerSize; at < bytes.length; at += entrySize) {
    const tag = bytes.readUInt16LE(at);
    const isNamed = tag === tags.user || tag === tags.namedGroup;
    entries.push({
      tag,
      permissions: bytes.readUInt16LE(at + 2),
      id: isNamed ? bytes.readUInt32LE(at + 4) : noId,
    });
  }
  return entries;
}

/** Owner, users, group, groups, mask, others; one of each without a name; a mask if any has a name. */
function isOrdered(entries: readonly AclEntry[]): boolean {
  if (entries.length === 0) return true;
  const count = (tag: number) => entries.filter((entry) => entry.tag === tag).length;
  const named = count(tags.user) + count(tags.namedGroup);
  const known = Object.values(tags) as number[];
  return (
    entries.every(({ tag, permissions, id }, index) => {
      const before = entries[index - 1]?.tag ?? 0;
      const isNamed = tag === tags.user || tag === tags.namedGroup;
      const follows = isNamed ? tag >= before : tag > before;
      return (
        known.includes(tag) && follows && permissions <= maxPermissions && isNamed === (id !== noId)
      );
    }) &&
    count(tags.owner) === 1 &&
    count(tags.group) === 1 &&
    count(tags.other) === 1 &&
    (named === 0 || count(tags.mask) === 1)
  );
}

function applyMode(entries: AclEntry[], mode: number): void {
  const digit = (place: number) => Math.floor(mode / place) % 8;
  const groupTag = entries.some((entry) => entry.tag === tags.mask) ? tags.mask : tags.group;
  for (const entry of entries) {
    if (entry.tag === tags.owner) entry.permissions = digit(0o100);
    else if (entry.tag === groupTag) entry.permissions = digit(0o10);
    else if (entry.tag === tags.other) entry.permissions = digit(1);
  }
}

function encodeAcl(entries: readonly AclEntry[]): ByteString {
  const bytes = Buffer.alloc(headerSize + entries.length * entrySize);
  bytes.writeUInt32LE(version, 0);
  entries.forEach(({ tag, permissions, id }, index) => {
    const at = headerSize + index * entrySize;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(permissions, at + 2);
    bytes.writeUInt32LE(id, at + 4);
  });
  return bytes.toString("latin1");
}
