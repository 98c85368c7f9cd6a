// SPDX-License-Identifier: Apache-2.0

import type { TextSet } from "../../spec/image-config.ts";
import { InvalidValue } from "../invalid-value.ts";
import type { FlagHost } from "./flag-host.ts";
import { cut } from "./key-values.ts";

export interface Volumes {
  /** With a source: a path of the host or a volume's name. */
  readonly binds: readonly string[];
  /** Paths in the container that get a volume without a name. */
  readonly anonymous: TextSet;
}

/** `-v`: `[SOURCE:]TARGET[:OPTIONS]`; what is given twice counts once. */
export function parseVolumes(specs: readonly string[], host: FlagHost): Volumes {
  const binds: string[] = [];
  const anonymous: Record<string, Record<string, never>> = {};
  for (const spec of new Set(specs)) {
    const source = volumeSource(spec);
    if (source === undefined) anonymous[spec] = {};
    else binds.push(isHostPath(source) ? withAbsoluteSource(spec, host) : spec);
  }
  return { binds, anonymous };
}

/**
 * The source of a volume, undefined for one without. Checks no more than Docker's client does.
 *
 * Source: `ParseVolume` of docker/cli (cli/compose/loader).
 */
function volumeSource(spec: string): string | undefined {
  if (spec === "") throw new InvalidValue("invalid empty volume spec");
  if (Buffer.byteLength(spec) <= 2) return undefined;
  const sections = splitSections(spec);
  if (sections.includes("")) {
    throw new InvalidValue(`invalid spec: ${spec}: empty section between colons`);
  }
  if (sections.length > 3) throw new InvalidValue(`invalid spec: ${spec}: too many colons`);
  return sections.length === 1 ? undefined : sections[0];
}

/** One letter and a colon are the start of a path on Windows, wherever they stand. */
function splitSections(spec: string): string[] {
  const sections: string[] = [];
  for (const part of spec.split(":")) {
    const last = sections.at(-1);
    if (last !== undefined && /^\p{L}$/u.test(last))
      sections[sections.length - 1] = `${last}:${part}`;
    else sections.push(part);
  }
  return sections;
}

function isHostPath(source: string): boolean {
  return /^[./~]/.test(source) || source.startsWith("\\\\") || /^\p{L}:/u.test(source);
}

function withAbsoluteSource(spec: string, host: FlagHost): string {
  const [source, rest] = cut(spec, ":");
  if (rest === undefined || !source.startsWith(".")) return spec;
  return `${host.absolute(source)}:${rest}`;
}
