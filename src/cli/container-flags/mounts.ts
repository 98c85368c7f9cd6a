// SPDX-License-Identifier: Apache-2.0

import type { Mount } from "../../spec/container.ts";
import { parseBoolean, parseRamBytes } from "../go-numbers.ts";
import { InvalidValue } from "../invalid-value.ts";
import { parseCsv } from "./csv.ts";
import type { FlagHost } from "./flag-host.ts";
import { cut } from "./key-values.ts";

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

interface Draft {
  type: string;
  source?: string;
  target: string;
  isReadOnly?: boolean;
  consistency?: string;
  bind?: Writable<NonNullable<Mount["BindOptions"]>>;
  volume?: Writable<NonNullable<Mount["VolumeOptions"]>>;
  tmpfs?: Writable<NonNullable<Mount["TmpfsOptions"]>>;
}

/** `--mount type=bind,source=/a,target=/b,readonly`. */
export function parseMount(text: string, host: FlagHost): Mount {
  const draft: Draft = { type: "volume", target: "" };
  for (const field of parseCsv(text)) setField(draft, field, host);
  checkDraft(draft);
  return {
    Type: draft.type as Mount["Type"],
    ...(draft.source === undefined || draft.source === "" ? {} : { Source: draft.source }),
    Target: draft.target,
    ...(draft.isReadOnly === true ? { ReadOnly: true } : {}),
    ...(draft.consistency === undefined ? {} : { Consistency: draft.consistency }),
    ...(draft.bind === undefined ? {} : { BindOptions: draft.bind }),
    ...(draft.volume === undefined ? {} : { VolumeOptions: draft.volume }),
    ...(draft.tmpfs === undefined ? {} : { TmpfsOptions: draft.tmpfs }),
  };
}

interface FieldValue {
  readonly key: string;
  readonly value: string;
}

function setField(draft: Draft, field: string, host: FlagHost): void {
  const [rawKey, given] = cut(field);
  const key = rawKey.toLowerCase();
  if (given === undefined && !switches.has(key)) {
    throw new InvalidValue(`invalid field '${field}' must be a key=value pair`);
  }
  const value = given ?? "true";
  if (key.startsWith("bind-")) setBindField(draft, { key, value }, field);
  else if (key.startsWith("volume-")) setVolumeField(draft, { key, value }, field);
  else if (key.startsWith("tmpfs-")) setTmpfsField(draft, { key, value }, field);
  else setPlainField(draft, { key, value }, { field, host });
}

const switches = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive"]);

function unexpected(key: string, field: string): InvalidValue {
  return new InvalidValue(`unexpected key '${key}' in '${field}'`);
}

interface PlainFieldContext {
  readonly field: string;
  readonly host: FlagHost;
}

function setPlainField(
  draft: Draft,
  { key, value }: FieldValue,
  { field, host }: PlainFieldContext,
): void {
  switch (key) {
    case "type":
      draft.type = value.toLowerCase();
      return;
    case "source":
    case "src":
      draft.source = value.startsWith(".") ? host.absolute(value) : value;
      return;
    case "target":
    case "dst":
    case "destination":
      draft.target = value;
      return;
    case "readonly":
    case "ro":
      draft.isReadOnly = booleanOf({ key, value });
      return;
    case "consistency":
      draft.consistency = value.toLowerCase();
      return;
    case "image-subpath":
      throw new InvalidValue("image-subpath: mounts of type image are not supported");
    default:
      throw unexpected(key, field);
  }
}

function setBindField(draft: Draft, { key, value }: FieldValue, field: string): void {
  draft.bind ??= {};
  if (key === "bind-propagation") draft.bind.Propagation = value.toLowerCase();
  else if (key === "bind-nonrecursive") draft.bind.NonRecursive = booleanOf({ key, value });
  else if (key === "bind-recursive") setRecursive(draft.bind, value);
  else throw unexpected(key, field);
}

function setRecursive(bind: NonNullable<Draft["bind"]>, value: string): void {
  if (value === "disabled") bind.NonRecursive = true;
  else if (value === "writable" || value === "readonly") {
    throw new InvalidValue(`bind-recursive=${value} is not supported: use enabled or disabled`);
  } else if (value !== "enabled") {
    throw new InvalidValue(
      `invalid value for bind-recursive: ${value} ` +
        '(must be "enabled", "disabled", "writable", or "readonly")',
    );
  }
}

function setVolumeField(draft: Draft, { key, value }: FieldValue, field: string): void {
  const volume = draft.volume ?? {};
  const driver = volume.DriverConfig;
  draft.volume = volume;
  switch (key) {
    case "volume-subpath":
      volume.Subpath = value;
      return;
    case "volume-nocopy":
      volume.NoCopy = booleanOf({ key, value });
      return;
    case "volume-label":
      volume.Labels = withPair(volume.Labels, value);
      return;
    case "volume-driver":
      volume.DriverConfig = { ...driver, Name: value };
      return;
    case "volume-opt":
      volume.DriverConfig = { ...driver, Options: withPair(driver?.Options, value) };
      return;
    default:
      throw unexpected(key, field);
  }
}

function withPair(
  map: Readonly<Record<string, string>> | undefined,
  pair: string,
): Record<string, string> {
  const [key, value = ""] = cut(pair);
  return key === "" ? { ...map } : { ...map, [key]: value };
}

function setTmpfsField(draft: Draft, { key, value }: FieldValue, field: string): void {
  const tmpfs = draft.tmpfs ?? {};
  draft.tmpfs = tmpfs;
  if (key === "tmpfs-size") {
    tmpfs.SizeBytes = fieldOf({ key, value }, () => parseRamBytes(value));
  } else if (key === "tmpfs-mode") {
    const isMode = /^[0-7]+$/.test(value) && Number.parseInt(value, 8) < 2 ** 32;
    if (!isMode) throw invalidValue({ key, value });
    tmpfs.Mode = Number.parseInt(value, 8);
  } else {
    throw unexpected(key, field);
  }
}

function invalidValue({ key, value }: FieldValue): InvalidValue {
  return new InvalidValue(`invalid value for ${key}: ${value}`);
}

function fieldOf<T>(field: FieldValue, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw invalidValue(field);
  }
}

function booleanOf(field: FieldValue): boolean {
  return fieldOf(field, () => parseBoolean(field.value));
}

function checkDraft({ type, target, bind, volume, tmpfs }: Draft): void {
  if (type === "") throw new InvalidValue("type is required");
  if (target === "") throw new InvalidValue("target is required");
  const mixed = (options: string) =>
    new InvalidValue(`cannot mix '${options}-*' options with mount type '${type}'`);
  if (volume !== undefined && type !== "volume") throw mixed("volume");
  if (bind !== undefined && type !== "bind") throw mixed("bind");
  if (tmpfs !== undefined && type !== "tmpfs") throw mixed("tmpfs");
  if (["image", "npipe", "cluster"].includes(type)) {
    throw new InvalidValue(`mounts of type ${type} are not supported`);
  }
  if (!["bind", "volume", "tmpfs"].includes(type)) {
    throw new InvalidValue(`invalid mount config for type "${type}": mount type unknown`);
  }
}
