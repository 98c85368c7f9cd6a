// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";

/** The newest version of Docker's Engine API that is spoken, and the oldest; all are 1.x. */
export const newestVersion = 51;
export const oldestVersion = 24;

export interface VersionedPath {
  /** Minor part of the version. */
  readonly version: number;
  /** The path behind it. */
  readonly path: string;
}

/**
 * Takes the version off a path; without one the newest is meant.
 *
 * @throws LadeError API_INVALID for versions that are not spoken, in Docker's words
 */
export function takeVersion(path: string): VersionedPath {
  const match = /^\/v([0-9]+)(?:\.([0-9]+))?(\/.*)$/s.exec(path);
  if (match === null) return { version: newestVersion, path };
  const [, major, minor = "", rest = ""] = match;
  if (minor === "") return { version: newestVersion, path };
  const asked = Number(major) === 1 ? Number(minor) : Number(major) > 1 ? Infinity : -1;
  if (asked > newestVersion) {
    throw new LadeError(
      "API_INVALID",
      `client version ${major}.${minor} is too new. Maximum supported API version is 1.${newestVersion}`,
    );
  }
  if (asked < oldestVersion) {
    throw new LadeError(
      "API_INVALID",
      `client version ${major}.${minor} is too old. Minimum supported API version is 1.${oldestVersion}, please upgrade your client to a newer version`,
    );
  }
  return { version: asked, path: rest };
}
