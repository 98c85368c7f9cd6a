// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { isLadeError, LadeError, messageOf } from "../base/errors.ts";
import { formatPlatform } from "../spec/platform.ts";
import { familiarString, parseReference, withDefaultTag, withTag } from "../spec/reference.ts";
import { goStruct, validate } from "../spec/schema.ts";

/**
 * The name that `repo` and `tag` make together; a tag goes before one in `repo`.
 *
 * Source: `RepoTagReference` of moby (daemon/server/httputils/form.go).
 *
 * @returns undefined where `repo` is empty
 * @throws LadeError REFERENCE_INVALID
 */
export function nameOf(repo: string, tag: string): string | undefined {
  if (repo === "") return undefined;
  const reference = parseReference(repo);
  if (reference.digest !== undefined) {
    throw new LadeError("REFERENCE_INVALID", "cannot import digest reference");
  }
  return familiarString(tag === "" ? withDefaultTag(reference) : withTag(reference, tag));
}

const platformDocument = goStruct({
  architecture: v.string(),
  os: v.string(),
  "os.version": v.string(),
  "os.features": v.array(v.string()),
  variant: v.string(),
});

/**
 * A platform as newer versions of the API send it, `{"os":"linux","architecture":"arm64"}`, in the
 * form of `--platform`.
 *
 * Source: `DecodePlatform` of moby (daemon/server/httputils/form.go).
 *
 * @throws LadeError API_INVALID
 */
export function platformOf(json: string): string {
  const platform = readPlatform(json);
  const { os = "", architecture = "", variant = "" } = platform;
  const hasMore =
    variant !== "" ||
    (platform["os.version"] ?? "") !== "" ||
    (platform["os.features"] ?? []).length > 0;
  if (os === "" && architecture === "" && hasMore) {
    throw new LadeError(
      "API_INVALID",
      "optional platform fields provided, but OS and Architecture are missing",
    );
  }
  if (os === "" || architecture === "") {
    throw new LadeError("API_INVALID", "both OS and Architecture must be provided");
  }
  return formatPlatform({ os, architecture, variant });
}

function readPlatform(json: string) {
  try {
    return validate(platformDocument, JSON.parse(json), "platform");
  } catch (error) {
    if (!isLadeError(error) && !(error instanceof SyntaxError)) throw error;
    throw new LadeError("API_INVALID", `failed to parse platform: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
