// SPDX-License-Identifier: Apache-2.0

import type { ByteString } from "../tar/entry.ts";
import { modeTypes, typeOfMode } from "./node-table.ts";
import { normalizeAcl } from "./posix-acl.ts";

export type Xattr = readonly [name: ByteString, value: ByteString];

/** XATTR_NAME_MAX of <linux/limits.h>. */
const nameMax = 255;
/** EROFS counts a value's bytes in 16 bits; XATTR_SIZE_MAX of Linux is one more. */
const valueMax = 65_535;

export const aclAccess = "system.posix_acl_access";
export const aclDefault = "system.posix_acl_default";

/** Linux keeps names of these kinds only; tars from other systems have others, which Docker drops. */
const keptPrefixes = ["user.", "trusted.", "security."];
/** What overlayfs itself says of a layer, which no layer from outside may. */
const overlayPrefix = "trusted.overlay.";

/** Why a file can't have its xattrs. */
export interface XattrProblem {
  readonly code: "LIMIT_EXCEEDED" | "LAYER_INVALID";
  readonly message: string;
}

/**
 * The xattrs that a file of this mode has once it is unpacked on Linux.
 *
 * Left out, as setxattr(2) answers EOPNOTSUPP or EPERM and Docker goes on: other kinds than `user`,
 * `trusted`, `security` and ACLs, `user` where the file is neither file nor folder, ACLs of
 * symlinks. Left out for safety: `trusted.overlay`.
 */
export function keptXattrs(xattrs: readonly Xattr[], mode: number): Xattr[] | XattrProblem {
  const kept: Xattr[] = [];
  for (const [name, value] of xattrs) {
    const result = keptXattr(name, value, mode);
    if (result === undefined) continue;
    if (!isXattr(result)) return result;
    kept.push(result);
  }
  return kept;
}

function isXattr(result: Xattr | XattrProblem): result is Xattr {
  return Array.isArray(result);
}

function keptXattr(
  name: ByteString,
  value: ByteString,
  mode: number,
): Xattr | XattrProblem | undefined {
  const type = typeOfMode(mode);
  const isPlain = type === modeTypes.file || type === modeTypes.directory;
  if (name === aclAccess || name === aclDefault) return keptAcl(name, value, mode);
  const prefix = keptPrefixes.find((one) => name.startsWith(one));
  if (prefix === undefined || name.startsWith(overlayPrefix)) return undefined;
  if (prefix === "user." && !isPlain) return undefined;
  if (name === prefix) return { code: "LAYER_INVALID", message: `xattr ${name} has no name` };
  if (name.length > nameMax) {
    const message = `xattr with a name of ${name.length} bytes, expected at most ${nameMax}`;
    return { code: "LIMIT_EXCEEDED", message };
  }
  if (value.length > valueMax) {
    const message = `xattr ${name} of ${value.length} bytes, expected at most ${valueMax}`;
    return { code: "LIMIT_EXCEEDED", message };
  }
  return [name, value];
}

function keptAcl(
  name: ByteString,
  value: ByteString,
  mode: number,
): Xattr | XattrProblem | undefined {
  const type = typeOfMode(mode);
  if (type === modeTypes.symlink) return undefined;
  const isAccess = name === aclAccess;
  if (!isAccess && type !== modeTypes.directory) {
    return { code: "LAYER_INVALID", message: `${name} on what is no folder` };
  }
  if (value.length > valueMax) {
    return { code: "LIMIT_EXCEEDED", message: `${name} of ${value.length} bytes` };
  }
  const acl = normalizeAcl(value, isAccess ? mode : undefined);
  if (acl === "invalid") return { code: "LAYER_INVALID", message: `${name} is no valid ACL` };
  return acl === undefined ? undefined : [name, acl];
}

/** Both, where the later value of a name counts: a path that comes twice keeps earlier xattrs. */
export function mergeXattrs(earlier: readonly Xattr[], later: readonly Xattr[]): Xattr[] {
  return [...new Map([...earlier, ...later])];
}
