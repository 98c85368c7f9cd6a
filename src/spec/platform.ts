// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { goQuote } from "./go-quote.ts";

/** What an image runs on, in Go's words (image-spec, config.md). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
}

/** Tells which of several offered platforms to take. */
export interface PlatformComparer {
  /** True where the platform can be used at all. */
  matches(platform: Platform): boolean;
  /** Negative where `a` is to be preferred, as `Array.prototype.sort` wants it. */
  compare(a: Platform, b: Platform): number;
}

/** The parts of Node's `process` that a platform is read from. */
export interface HostProcess {
  readonly arch: string;
  readonly platform: string;
  /** `process.config.variables.arm_version` on 32-bit ARM. */
  readonly armVersion?: string | undefined;
}

const COMPONENT_PATTERN = "^[A-Za-z0-9_.-]+$";
const OS_PATTERN = "^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.%-]*)((?:\\+[A-Za-z0-9_.%-]+)*)\\))?$";
const COMPONENT = new RegExp(COMPONENT_PATTERN);
const OS = new RegExp(OS_PATTERN);

// Lists of github.com/containerd/platforms, database.go.
const KNOWN_OS = new Set(
  (
    "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 " +
    "solaris windows zos"
  ).split(" "),
);
const KNOWN_ARCHITECTURES = new Set(
  (
    "386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le " +
    "mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm"
  ).split(" "),
);

const NODE_ARCHITECTURES: Readonly<Record<string, string>> = {
  ia32: "386",
  mipsel: "mipsle",
  ppc64: "ppc64le",
  x64: "amd64",
};
const NODE_SYSTEMS: Readonly<Record<string, string>> = { sunos: "solaris", win32: "windows" };

function armVersion(): string {
  const variables: Readonly<Record<string, unknown>> = process.config.variables;
  return String(variables.arm_version);
}

/**
 * The platform that lade itself runs on, with a variant only on ARM, as containerd's `DefaultSpec`.
 */
export function hostPlatform(
  host: HostProcess = { arch: process.arch, platform: process.platform, armVersion: armVersion() },
): Platform {
  const os = NODE_SYSTEMS[host.platform] ?? host.platform;
  const architecture = NODE_ARCHITECTURES[host.arch] ?? host.arch;
  if (architecture === "arm64") return { os, architecture, variant: "v8" };
  if (architecture !== "arm") return { os, architecture };
  return { os, architecture, variant: host.armVersion === "6" ? "v6" : "v7" };
}

function normalizeArchitecture(name: string, kind: string): { name: string; variant: string } {
  const architecture = name.toLowerCase();
  const variant = kind.toLowerCase();
  switch (architecture) {
    case "i386":
      return { name: "386", variant: "" };
    case "x86_64":
    case "x86-64":
    case "amd64":
      return { name: "amd64", variant: variant === "v1" ? "" : variant };
    case "aarch64":
    case "arm64":
      if (["8", "v8", "v8.0"].includes(variant)) return { name: "arm64", variant: "" };
      if (["9", "9.0", "v9.0"].includes(variant)) return { name: "arm64", variant: "v9" };
      return { name: "arm64", variant };
    case "armhf":
      return { name: "arm", variant: "v7" };
    case "armel":
      return { name: "arm", variant: "v6" };
    case "arm":
      if (variant === "" || variant === "7") return { name: "arm", variant: "v7" };
      return { name: "arm", variant: ["5", "6", "8"].includes(variant) ? `v${variant}` : variant };
    default:
      return { name: architecture, variant };
  }
}

function normalizeOs(name: string): string {
  const os = name.toLowerCase();
  return os === "macos" ? "darwin" : os;
}

/** A platform without its empty parts. */
function makePlatform(parts: {
  os: string;
  architecture: string;
  variant?: string | undefined;
  osVersion?: string | undefined;
  osFeatures?: readonly string[] | undefined;
}): Platform {
  return {
    os: parts.os,
    architecture: parts.architecture,
    ...(parts.variant && { variant: parts.variant }),
    ...(parts.osVersion && { osVersion: parts.osVersion }),
    ...(parts.osFeatures?.length && { osFeatures: parts.osFeatures }),
  };
}

/**
 * The canonical form: `aarch64` is `arm64`, `x86_64` is `amd64`, `armhf` is `arm/v7`, and variants
 * that every processor of the kind has (`amd64/v1`, `arm64/v8`) are left out.
 *
 * Source: `Normalize` of github.com/containerd/platforms.
 */
export function normalizePlatform(platform: Platform): Platform {
  const { name, variant } = normalizeArchitecture(platform.architecture, platform.variant ?? "");
  return makePlatform({
    os: normalizeOs(platform.os),
    architecture: name,
    variant,
    osVersion: platform.osVersion,
    osFeatures: [...new Set(platform.osFeatures)].sort(),
  });
}

function invalid(message: string): LadeError {
  return new LadeError("PLATFORM_INVALID", `${message}: invalid argument`, {
    hint: "Give it as OS/ARCH or OS/ARCH/VARIANT, such as linux/amd64 or linux/arm/v7",
  });
}

function optionError(text: string, specifier: string, cause: unknown): LadeError {
  return new LadeError(
    "PLATFORM_INVALID",
    `${goQuote(specifier)} has an invalid OS version ${goQuote(text)}: invalid URL escape`,
    { cause },
  );
}

function decodeOption(text: string, specifier: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw optionError(text, specifier, error);
  }
}

function parseOs(part: string, specifier: string) {
  const match = OS.exec(part);
  if (match === null) {
    throw invalid(
      `${goQuote(part)} is an invalid OS component of ${goQuote(specifier)}: ` +
        `OSAndVersion specifier component must match ${goQuote(OS_PATTERN)}`,
    );
  }
  const [, name = "", version = "", features = ""] = match;
  return {
    os: normalizeOs(name),
    osVersion: decodeOption(version, specifier),
    osFeatures: features
      .split("+")
      .filter((feature) => feature !== "")
      .map((feature) => decodeOption(feature, specifier)),
  };
}

/** ARM's v7 is what plain `arm` means, so it is not spelt out. */
function withoutDefaultArm(architecture: string, variant: string | undefined): string | undefined {
  return architecture === "arm" && variant === "v7" ? undefined : variant;
}

function parseSinglePart(
  part: string,
  options: { system: ReturnType<typeof parseOs>; host: Platform },
): Platform {
  const { system, host } = options;
  if (KNOWN_OS.has(system.os)) {
    const variant = host.architecture === "arm" ? host.variant : undefined;
    return makePlatform({
      ...system,
      architecture: host.architecture,
      variant: withoutDefaultArm(host.architecture, variant),
    });
  }
  const { name, variant } = normalizeArchitecture(part, "");
  if (!KNOWN_ARCHITECTURES.has(name)) {
    throw invalid(`${goQuote(part)}: unknown operating system or architecture`);
  }
  return makePlatform({
    os: host.os,
    architecture: name,
    variant: withoutDefaultArm(name, variant),
  });
}

/**
 * Parses a specifier: `OS`, `ARCH`, `OS/ARCH` or `OS/ARCH/VARIANT`; an OS may carry
 * `(VERSION+FEATURE)`. The part that is left out is the host's.
 *
 * Source: `Parse` of github.com/containerd/platforms; the messages are its own.
 *
 * @throws LadeError PLATFORM_INVALID
 */
export function parsePlatform(specifier: string, host: Platform = hostPlatform()): Platform {
  const quoted = goQuote(specifier);
  if (specifier.includes("*")) throw invalid(`${quoted}: wildcards not yet supported`);
  const [first = "", second, third, ...rest] = specifier.split("/");
  const system = parseOs(first, specifier);
  const fourth = rest.length === 0 ? undefined : rest.join("/");
  for (const part of [second, third, fourth]) {
    if (part !== undefined && !COMPONENT.test(part)) {
      throw invalid(
        `${goQuote(part)} is an invalid component of ${quoted}: ` +
          `platform specifier component must match ${goQuote(COMPONENT_PATTERN)}`,
      );
    }
  }
  if (fourth !== undefined) throw invalid(`${quoted}: cannot parse platform specifier`);
  if (second === undefined) return parseSinglePart(first, { system, host });
  const { name, variant } = normalizeArchitecture(second, third ?? "");
  if (third === undefined) {
    return makePlatform({
      ...system,
      architecture: name,
      variant: withoutDefaultArm(name, variant),
    });
  }
  return makePlatform({
    ...system,
    architecture: name,
    variant: name === "arm64" && variant === "" ? "v8" : variant,
  });
}

/** `linux/arm/v7`; `unknown` where there is no OS, as for attestations. */
export function formatPlatform(platform: Platform): string {
  if (platform.os === "") return "unknown";
  return [platform.os, platform.architecture, platform.variant ?? ""]
    .filter((part) => part !== "")
    .join("/");
}

/**
 * Whether an offered platform is the wanted one: the same OS, architecture and variant after
 * normalisation, and no OS feature beyond the wanted ones (containerd's `OnlyStrict`).
 *
 * Versions of Windows are not compared: lade runs none.
 */
export function matchPlatform(wanted: Platform, offered: Platform): boolean {
  const want = normalizePlatform(wanted);
  const offer = normalizePlatform(offered);
  const features = new Set(want.osFeatures);
  return (
    want.os === offer.os &&
    want.architecture === offer.architecture &&
    want.variant === offer.variant &&
    (offer.osFeatures ?? []).every((feature) => features.has(feature))
  );
}

/** `v5` gives 5; undefined where the variant is no plain number. */
function variantNumber(variant: string | undefined): number | undefined {
  const match = /^v?(\d{1,3})$/.exec(variant ?? "");
  return match === null ? undefined : Number(match[1]);
}

/** Variants of arm64 that a processor of the given one also runs, best first. */
function arm64Variants(variant: string): string[] {
  const match = /^v([89])(?:\.(\d))?$/.exec(variant);
  if (match === null) return [];
  const minor = Number(match[2] ?? 0);
  const down = (major: number, from: number): string[] =>
    Array.from({ length: from + 1 }, (_, index) =>
      from === index ? `v${major}` : `v${major}.${from - index}`,
    );
  if (match[1] === "8") return down(8, minor);
  // Armv9.x has what Armv8.(x+5) has; containerd knows no minor above 7, and of Armv8 none above 9.
  return minor > 7 ? [] : [...down(9, minor), ...down(8, Math.min(minor + 5, 9))];
}

/** Everything the host can run, best first (`platformVector` of github.com/containerd/platforms). */
function runnablePlatforms(host: Platform): Platform[] {
  const normal = normalizePlatform(host);
  const variant = variantNumber(normal.variant);
  const lower = (floor: number): Platform[] =>
    variant === undefined
      ? []
      : Array.from({ length: Math.max(variant - floor, 0) }, (_, index) => ({
          ...normal,
          variant: `v${variant - 1 - index}`,
        }));
  switch (normal.architecture) {
    case "amd64":
      return [normal, ...lower(1), makePlatform({ ...normal, architecture: "386", variant: "" })];
    case "arm":
      return [normal, ...lower(5)];
    case "arm64": {
      const variants = arm64Variants(normal.variant ?? "v8");
      if (variants.length === 0) return [normal];
      const arm32 = makePlatform({ ...normal, architecture: "arm", variant: "v8" });
      return [
        ...variants.map((each) => ({ ...normal, variant: each })),
        ...runnablePlatforms(arm32),
      ];
    }
    default:
      return [normal];
  }
}

function rankedComparer(ranking: readonly Platform[]): PlatformComparer {
  const rank = (platform: Platform): number => {
    const index = ranking.findIndex((wanted) => matchPlatform(wanted, platform));
    return index < 0 ? ranking.length : index;
  };
  return {
    matches: (platform) => rank(platform) < ranking.length,
    compare: (a, b) =>
      rank(a) - rank(b) || (b.osFeatures?.length ?? 0) - (a.osFeatures?.length ?? 0),
  };
}

/**
 * Orders platforms for a host that also runs older ones of its kind: `arm/v7` takes v7, v6, v5;
 * `arm64` takes its lower variants, then 32-bit ARM; `amd64` takes its lower levels, then `386`.
 *
 * Source: `Only` of github.com/containerd/platforms.
 */
export function comparePlatforms(host: Platform): PlatformComparer {
  return rankedComparer(runnablePlatforms(host));
}

/** As `comparePlatforms`, but takes only the very platform (containerd's `OnlyStrict`). */
export function comparePlatformsStrictly(wanted: Platform): PlatformComparer {
  return rankedComparer([wanted]);
}
