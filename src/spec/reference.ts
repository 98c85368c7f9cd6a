// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { type Digest, isDigest } from "./digest.ts";
import { quoteExcerpt } from "./go-quote.ts";
import { repairLookAlikes } from "./look-alike.ts";
import { matchPath } from "./path-match.ts";

/**
 * A name of an image, normalised: `busybox` is `docker.io` and `library/busybox`.
 *
 * `domain` is empty for the odd name whose first part looks like a host to Docker but is none by
 * its grammar (`foo_bar.com/x`); the whole name is then in `path`, as in Docker.
 */
export interface Reference {
  /** Registry with its port. */
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DEFAULT_DOMAIN = "index.docker.io";
const OFFICIAL_PREFIX = "library/";
const DEFAULT_TAG = "latest";
const PATH_LENGTH_MAX = 255;

// The grammar of github.com/distribution/reference.
const HOST_PART = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const HOST = `(?:${HOST_PART}(?:\\.${HOST_PART})*|\\[(?:[a-fA-F0-9:]+)\\])`;
const DOMAIN = `${HOST}(?::[0-9]+)?`;
const PATH_PART = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
const PATH = `${PATH_PART}(?:/${PATH_PART})*`;
const TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const REFERENCE = new RegExp(`^(?:(${DOMAIN})/)?(${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const WHOLE_TAG = new RegExp(`^${TAG}$`);
const IDENTIFIER = /^[a-f0-9]{64}$/;
const SHA256_SIZE_HEX = 64;

function splitDomain(name: string): { domain: string; remainder: string } {
  const slash = name.indexOf("/");
  if (slash < 0) return { domain: DEFAULT_DOMAIN, remainder: OFFICIAL_PREFIX + name };
  const first = name.slice(0, slash);
  const rest = name.slice(slash + 1);
  let domain = DEFAULT_DOMAIN;
  let remainder = name;
  if (first === LEGACY_DEFAULT_DOMAIN) {
    remainder = rest;
  } else if (first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first) {
    domain = first;
    remainder = rest;
  }
  if (domain === DEFAULT_DOMAIN && !remainder.includes("/")) {
    remainder = OFFICIAL_PREFIX + remainder;
  }
  return { domain, remainder };
}

/** What is wrong with a digest, in the words of go-digest; undefined where it is a Digest. */
function digestFault(text: string): string | undefined {
  if (isDigest(text)) return undefined;
  const colon = text.indexOf(":");
  if (text.slice(0, colon) !== "sha256") return "unsupported digest algorithm";
  return text.length - colon - 1 === SHA256_SIZE_HEX
    ? "invalid checksum digest format"
    : "invalid checksum digest length";
}

/** Docker shows the name bare; one that could drive a terminal is quoted. */
function shown(name: string): string {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{0,300}$/u.test(name) ? name : quoteExcerpt(name);
}

type Outcome = { readonly reference: Reference } | { readonly fault: string };

function tryParse(text: string): Outcome {
  if (IDENTIFIER.test(text)) {
    return {
      fault: `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
    };
  }
  const { domain, remainder } = splitDomain(text);
  const colon = remainder.indexOf(":");
  const remote = colon < 0 ? remainder : remainder.slice(0, colon);
  if (remote.toLowerCase() !== remote) {
    return {
      fault: `invalid reference format: repository name (${shown(remote)}) must be lowercase`,
    };
  }
  const whole = `${domain}/${remainder}`;
  const match = REFERENCE.exec(whole);
  if (match === null) {
    const lower = whole.toLowerCase();
    return lower !== whole && REFERENCE.test(lower)
      ? { fault: "repository name must be lowercase" }
      : { fault: "invalid reference format" };
  }
  const path = match[2] ?? "";
  if (path.length > PATH_LENGTH_MAX) {
    return { fault: `repository name must not be more than ${PATH_LENGTH_MAX} characters` };
  }
  const [tag, digest] = [match[3], match[4]];
  if (digest !== undefined && !isDigest(digest)) return { fault: digestFault(digest) ?? "" };
  return {
    reference: {
      domain: match[1] ?? "",
      path,
      ...(tag !== undefined && { tag }),
      ...(digest !== undefined && { digest }),
    },
  };
}

function isValid(text: string): boolean {
  return "reference" in tryParse(text);
}

/** The text with its name in lower case; a tag may have capitals. */
function lowerName(text: string): string {
  const at = text.indexOf("@");
  const name = /^(.*?)(?::[^:/]*)?$/s.exec(at < 0 ? text : text.slice(0, at))?.[1] ?? text;
  return name.toLowerCase() + text.slice(name.length);
}

function referenceError(text: string, fault: string): LadeError {
  const repair = repairLookAlikes(text);
  if (repair !== undefined) {
    const candidates = [repair.text, lowerName(repair.text)];
    const fixed = candidates.find(isValid);
    if (fixed !== undefined) {
      return new LadeError(
        "REFERENCE_INVALID",
        `invalid reference format: ${repair.found} in the name`,
        { hint: `Write it as ${fixed}` },
      );
    }
  }
  const lower = lowerName(text);
  const hint = lower !== text && isValid(lower) ? `Write it as ${lower}` : undefined;
  return new LadeError("REFERENCE_INVALID", fault, { hint });
}

/**
 * Parses a name as users type it (`busybox`, `ghcr.io/a/b:1`, `x@sha256:…`) and normalises it.
 *
 * Source: `ParseNormalizedNamed` of github.com/distribution/reference; the messages are Docker's.
 * Only sha256 digests are accepted.
 *
 * @throws LadeError REFERENCE_INVALID; where a look-alike character or capitals are the reason,
 *   the hint gives the name as it should be
 */
export function parseReference(text: string): Reference {
  const outcome = tryParse(text);
  if ("reference" in outcome) return outcome.reference;
  throw referenceError(text, outcome.fault);
}

function suffix(ref: Reference): string {
  const tag = ref.tag === undefined ? "" : `:${ref.tag}`;
  return ref.digest === undefined ? tag : `${tag}@${ref.digest}`;
}

/** The whole name without tag and digest: `docker.io/library/busybox`. */
export function fullName(ref: Reference): string {
  return ref.domain === "" ? ref.path : `${ref.domain}/${ref.path}`;
}

/**
 * The name as Docker shows it, without tag and digest: `busybox`, `localhost:5000/x`.
 *
 * `docker.io` stays where the rest alone would be read as something else (`docker.io/a.b/c`,
 * `docker.io/localhost/x`, 64 hexadecimal digits): Docker drops it there too, and then its own
 * archives load under another name.
 */
export function familiarName(ref: Reference): string {
  if (ref.domain !== DEFAULT_DOMAIN) return fullName(ref);
  const rest = ref.path.startsWith(OFFICIAL_PREFIX)
    ? ref.path.slice(OFFICIAL_PREFIX.length)
    : ref.path;
  const short = rest.includes("/") ? ref.path : rest;
  return IDENTIFIER.test(short) || splitDomain(short).remainder !== ref.path
    ? fullName(ref)
    : short;
}

/** The reference as Docker shows it: `busybox:latest`, `ghcr.io/a/b@sha256:…`. */
export function familiarString(ref: Reference): string {
  return familiarName(ref) + suffix(ref);
}

/** The whole reference: `docker.io/library/busybox:latest@sha256:…`. */
export function canonicalString(ref: Reference): string {
  return fullName(ref) + suffix(ref);
}

/** Adds `latest` to a reference that has neither tag nor digest. */
export function withDefaultTag(ref: Reference): Reference {
  return ref.tag === undefined && ref.digest === undefined ? { ...ref, tag: DEFAULT_TAG } : ref;
}

/**
 * The same reference with another tag.
 *
 * @throws LadeError REFERENCE_INVALID
 */
export function withTag(ref: Reference, tag: string): Reference {
  if (!WHOLE_TAG.test(tag)) throw new LadeError("REFERENCE_INVALID", "invalid tag format");
  return { ...ref, tag };
}

/**
 * Whether `images PATTERN` and `--filter reference=PATTERN` take the reference.
 *
 * The pattern is tried against the familiar form with and without the tag (`FamiliarMatch` of
 * github.com/distribution/reference). One that begins with `docker.io/` is tried against the whole
 * form instead, so that no name needs to be shortened by hand.
 *
 * @throws LadeError FILTER_INVALID for a malformed pattern
 */
export function matchesReferencePattern(pattern: string, ref: Reference): boolean {
  const names = pattern.startsWith(`${DEFAULT_DOMAIN}/`)
    ? [canonicalString(ref), fullName(ref)]
    : [familiarString(ref), familiarName(ref)];
  return names.some((name) => matchPath(pattern, name));
}
