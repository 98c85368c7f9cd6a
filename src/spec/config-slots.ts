// SPDX-License-Identifier: Apache-2.0

import type { ImageConfigSection } from "./image-config.ts";

/**
 * A config as single settings, each of which some step of the history has set: `Cmd`, `Env PATH`,
 * `Labels version`, `ExposedPorts 80/tcp`. A setting that is empty is as one that is not there.
 */
export type Slots = ReadonlyMap<string, unknown>;

/** Members of one value, in the order in which messages name them. */
const scalars = [
  "Cmd",
  "Entrypoint",
  "WorkingDir",
  "User",
  "StopSignal",
  "Healthcheck",
  "Shell",
  "OnBuild",
] as const;

function isEmpty(value: unknown): boolean {
  return value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

export function slotsOf(section: ImageConfigSection): Map<string, unknown> {
  const slots = new Map<string, unknown>();
  for (const name of scalars) if (!isEmpty(section[name])) slots.set(name, section[name]);
  for (const entry of section.Env ?? []) slots.set(`Env ${envName(entry)}`, entry);
  for (const [name, value] of Object.entries(section.Labels ?? {})) {
    slots.set(`Labels ${name}`, value);
  }
  for (const port of Object.keys(section.ExposedPorts ?? {})) {
    slots.set(`ExposedPorts ${port}`, true);
  }
  for (const path of Object.keys(section.Volumes ?? {})) slots.set(`Volumes ${path}`, true);
  return slots;
}

export function envName(entry: string): string {
  return entry.split("=", 1)[0] ?? "";
}

export function isSameSetting(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The config that has these settings, and all else from another one, in that one's order. */
export function sectionOf(slots: Slots, rest: ImageConfigSection): ImageConfigSection {
  const { ExposedPorts, Volumes, Labels, Env, ...other } = rest;
  const single: Record<string, unknown> = { ...other };
  for (const name of scalars) {
    if (slots.has(name)) single[name] = slots.get(name);
    else delete single[name];
  }
  const group = (name: string) =>
    [...slots]
      .filter(([slot]) => slot.startsWith(`${name} `))
      .map(([slot, value]) => [slot.slice(name.length + 1), value] as const);
  const order = new Map((Env ?? []).map((entry, index) => [envName(entry), index]));
  const place = (name: string) => order.get(name) ?? order.size;
  const env = group("Env").sort(([a], [b]) => place(a) - place(b));
  const labels = group("Labels");
  const ports = group("ExposedPorts");
  const volumes = group("Volumes");
  const toSet = (pairs: typeof ports) => Object.fromEntries(pairs.map(([key]) => [key, {}]));
  return {
    ...(single as ImageConfigSection),
    ...((env.length > 0 || Env !== undefined) && { Env: env.map(([, entry]) => String(entry)) }),
    ...((labels.length > 0 || Labels !== undefined) && {
      Labels: Object.fromEntries(labels.map(([key, value]) => [key, String(value)])),
    }),
    ...(ports.length > 0 && { ExposedPorts: toSet(ports) }),
    ...(volumes.length > 0 && { Volumes: toSet(volumes) }),
  };
}
