// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type ByteString, byteStringToText } from "./entry.ts";

/**
 * The path of a layer's member below the root: no leading slash or `./`, no `..`, no trailing slash.
 *
 * Leading slashes mean the root of the image. `..` is resolved as text and must not climb above the
 * root; Docker refuses such a layer too (breakout, CVE-2014-6407 and its kin).
 *
 * @returns the empty string for the root itself
 * @throws LadeError NAME_ESCAPES, LIMIT_EXCEEDED for folders nested too deep
 */
export function layerPath(path: ByteString, place: () => string): ByteString {
  const trimmed = trimPath(path);
  if (trimmed.length <= limits.pathDepth && !oddPart.test(trimmed)) return trimmed;
  const parts: ByteString[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") {
      parts.push(part);
    } else if (parts.pop() === undefined) {
      throw new LadeError(
        "NAME_ESCAPES",
        `${place()}: ${JSON.stringify(byteStringToText(path))} climbs out of the image's root`,
        { hint: "No sound image has such a name: do not trust where this archive comes from." },
      );
    }
  }
  if (parts.length > limits.pathDepth) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${place()}: ${parts.length} folders deep, expected at most ${limits.pathDepth}`,
    );
  }
  return checkNul(parts.join("/"), place);
}

/** A NUL, or a part that is empty, `.` or `..`. */
const oddPart = /\0|(?:^|\/)\.{0,2}(?:\/|$)/;

/** Most names only have a `./` before and, for folders, a slash behind. */
function trimPath(path: ByteString): ByteString {
  const start = path.startsWith("./") ? 2 : 0;
  const end = path.endsWith("/") ? path.length - 1 : path.length;
  return start === 0 && end === path.length ? path : path.slice(start, end);
}

function checkNul(path: ByteString, place: () => string): ByteString {
  if (!path.includes("\0")) return path;
  throw new LadeError("TAR_FIELD", `${place()}: name with a NUL byte`);
}

const whiteoutPrefix = ".wh.";
const metadataPrefix = ".wh..wh.";

/** What a member's name means to the layers below. */
export type WhiteoutKind = "none" | "whiteout" | "opaque" | "metadata";

/**
 * Tells a whiteout by its name.
 *
 * `metadata` are aufs's own files (`.wh..wh.plnk` and others), which every reader passes over.
 *
 * @throws LadeError NAME_ESCAPES for `.wh.`, `.wh..` and `.wh...`, which would remove the folder
 *   itself or its parent
 * @see OCI image-spec, layer.md, "Whiteouts"
 */
export function whiteoutKind(path: ByteString, place: () => string): WhiteoutKind {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!name.startsWith(whiteoutPrefix)) return "none";
  if (name === ".wh..wh..opq") return "opaque";
  if (name.startsWith(metadataPrefix)) return "metadata";
  const hidden = name.slice(whiteoutPrefix.length);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw new LadeError(
      "NAME_ESCAPES",
      `${place()}: whiteout ${JSON.stringify(byteStringToText(path))} names no file`,
    );
  }
  return "whiteout";
}
