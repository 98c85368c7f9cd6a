// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { isLadeError, LadeError, messageOf } from "../../base/errors.ts";
import { parseJson } from "../../spec/document.ts";
import type { OciSeccomp, OciSyscall } from "./oci-spec.ts";
import { defaultSeccompProfile } from "./seccomp-profile.ts";

/** When a rule counts: all that is given has to hold. */
export interface SeccompFilter {
  /** All of them are in the container's bounding set. */
  readonly caps?: readonly string[] | undefined;
  /** One of them is the machine's; libseccomp's names. */
  readonly arches?: readonly string[] | undefined;
  /** `4.8` */
  readonly minKernel?: string | undefined;
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number | undefined;
  readonly args?: OciSyscall["args"] | undefined;
  readonly includes?: SeccompFilter | undefined;
  /** A rule does not count where one of what is given holds. */
  readonly excludes?: SeccompFilter | undefined;
}

/** A profile as Docker reads it: the runtime's form with conditions. */
export interface SeccompProfile extends Omit<OciSeccomp, "syscalls"> {
  readonly archMap?: readonly {
    readonly architecture: string;
    readonly subArchitectures: readonly string[];
  }[];
  readonly syscalls?: readonly SeccompRule[];
}

export interface SeccompContext {
  readonly capabilities: readonly string[];
  /** Go's name of the machine's architecture. */
  readonly architecture: string;
  readonly kernel: { readonly major: number; readonly minor: number };
}

/** What the machine's architecture is called by Go, by libseccomp, and in a document. */
const architectures: Readonly<Record<string, readonly [name: string, document: string]>> = {
  "386": ["x86", "SCMP_ARCH_X86"],
  amd64: ["amd64", "SCMP_ARCH_X86_64"],
  arm: ["arm", "SCMP_ARCH_ARM"],
  arm64: ["arm64", "SCMP_ARCH_AARCH64"],
  loong64: ["loongarch64", "SCMP_ARCH_LOONGARCH64"],
  mips64le: ["mipsel64", "SCMP_ARCH_MIPSEL64"],
  ppc64le: ["ppc64le", "SCMP_ARCH_PPC64LE"],
  riscv64: ["riscv64", "SCMP_ARCH_RISCV64"],
  s390x: ["s390x", "SCMP_ARCH_S390X"],
};

/**
 * The filter of a container (`setupSeccomp` of github.com/moby/profiles).
 *
 * @param profile JSON of a profile; undefined or `builtin`: Docker's default
 * @returns undefined for `unconfined` and for a profile that says nothing
 * @throws LadeError CONTAINER_INVALID
 */
export function buildSeccomp(
  profile: string | undefined,
  context: SeccompContext,
): OciSeccomp | undefined {
  if (profile === "unconfined") return undefined;
  const isDefault = profile === undefined || profile === "builtin";
  const {
    archMap = [],
    syscalls = [],
    ...rest
  } = isDefault ? defaultSeccompProfile : parseSeccompProfile(profile);
  if (rest.defaultAction === "" && syscalls.length === 0) return undefined;
  if ((rest.architectures ?? []).length > 0 && archMap.length > 0) {
    throw invalid(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either " +
        "'architectures' or 'archMap'",
    );
  }
  const [, document] = architectures[context.architecture] ?? [];
  const own = archMap.find(({ architecture }) => architecture === document);
  const chosen =
    own === undefined ? rest.architectures : [own.architecture, ...own.subArchitectures];
  return {
    ...rest,
    ...(chosen !== undefined && { architectures: chosen }),
    syscalls: syscalls.filter((rule) => counts(rule, context)).map(toSyscall),
  };
}

function toSyscall({ names, action, errnoRet, args }: SeccompRule): OciSyscall {
  return {
    names,
    action,
    ...(errnoRet !== undefined && { errnoRet }),
    ...(args !== undefined && args.length > 0 && { args }),
  };
}

function counts({ includes, excludes }: SeccompRule, context: SeccompContext): boolean {
  const [name = ""] = architectures[context.architecture] ?? [];
  const have = new Set(context.capabilities);
  if (excludes?.arches?.includes(name)) return false;
  if (excludes?.caps?.some((capability) => have.has(capability))) return false;
  if (excludes?.minKernel && isKernel(excludes.minKernel, context)) return false;
  if ((includes?.arches ?? []).length > 0 && !includes?.arches?.includes(name)) return false;
  if (includes?.caps?.some((capability) => !have.has(capability))) return false;
  return !includes?.minKernel || isKernel(includes.minKernel, context);
}

function isKernel(minimum: string, { kernel }: SeccompContext): boolean {
  const [major = 0, minor = 0] = minimum.split(".").map(Number);
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

const text = v.string();
const texts = v.nullish(v.array(text));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const filter = v.nullish(
  v.object({
    caps: texts,
    arches: texts,
    minKernel: v.nullish(v.pipe(text, v.regex(/^(?:\d{1,3}\.\d{1,3})?$/, "expected 4.8"))),
  }),
);
const argument = v.object({
  index: count,
  value: count,
  valueTwo: v.optional(count),
  op: text,
});
const rule = v.object({
  name: v.nullish(text),
  names: texts,
  action: text,
  errnoRet: v.nullish(count),
  args: v.nullish(v.array(argument)),
  includes: filter,
  excludes: filter,
});
const profileSchema = v.object({
  defaultAction: v.nullish(text),
  defaultErrnoRet: v.nullish(count),
  architectures: texts,
  flags: texts,
  listenerPath: v.nullish(text),
  listenerMetadata: v.nullish(text),
  archMap: v.nullish(v.array(v.object({ architecture: text, subArchitectures: texts }))),
  syscalls: v.nullish(v.array(rule)),
});

/**
 * Reads a profile that a user gave.
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function parseSeccompProfile(json: string): SeccompProfile {
  const document = parse(json);
  if (Array.isArray(document)) throw invalid("Decoding seccomp profile failed: expected an object");
  const read = v.safeParse(profileSchema, document);
  if (!read.success) {
    const [issue] = read.issues;
    const path = v.getDotPath(issue) ?? "the document";
    throw invalid(`Decoding seccomp profile failed: ${path}: ${issue.message}`);
  }
  const { syscalls, archMap, ...rest } = read.output;
  if (rest.listenerPath) {
    throw new LadeError("UNSUPPORTED", "seccomp profile: listenerPath is not supported", {
      hint: "Take SCMP_ACT_NOTIFY and listenerPath out of the profile.",
    });
  }
  return {
    defaultAction: rest.defaultAction ?? "",
    ...(typeof rest.defaultErrnoRet === "number" && { defaultErrnoRet: rest.defaultErrnoRet }),
    ...(rest.architectures && { architectures: rest.architectures }),
    ...(rest.flags && { flags: rest.flags }),
    archMap: (archMap ?? []).map(({ architecture, subArchitectures }) => ({
      architecture,
      subArchitectures: subArchitectures ?? [],
    })),
    syscalls: (syscalls ?? []).map(readRule),
  };
}

function readRule(given: v.InferOutput<typeof rule>): SeccompRule {
  const { name, names, action, errnoRet, args, includes, excludes } = given;
  if (name && (names ?? []).length > 0) {
    throw invalid(
      "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
    );
  }
  return {
    names: name ? [name] : (names ?? []),
    action,
    errnoRet: errnoRet ?? undefined,
    args: args?.map(({ valueTwo, ...item }) => ({
      ...item,
      ...(valueTwo !== undefined && { valueTwo }),
    })),
    includes: readFilter(includes),
    excludes: readFilter(excludes),
  };
}

function readFilter(given: v.InferOutput<typeof filter>): SeccompFilter | undefined {
  if (!given) return undefined;
  const { caps, arches, minKernel } = given;
  return { caps: caps ?? [], arches: arches ?? [], minKernel: minKernel ?? undefined };
}

function parse(json: string): unknown {
  try {
    return parseJson(Buffer.from(json), "seccomp profile");
  } catch (error) {
    if (!isLadeError(error)) throw error;
    throw invalid(`Decoding seccomp profile failed: ${messageOf(error)}`);
  }
}

function invalid(message: string): LadeError {
  return new LadeError("CONTAINER_INVALID", message);
}
