// SPDX-License-Identifier: Apache-2.0

import { type GoValue, goStruct, goTyped } from "../template/values.ts";
import type { DocumentViews } from "./document.ts";

/** Go's type of a JSON field, or the struct that it is. */
type FieldType = string | Shape;

/** A Go struct of Docker's API and the JSON names of its fields. */
interface Shape {
  readonly goType: string;
  readonly fields: Readonly<Record<string, FieldType>>;
}

/** Go's way to have a set: keys with values that hold nothing, and print as `{}`. */
const setType = "map[string]struct {}";

const healthcheckShape: Shape = {
  goType: "*v1.HealthcheckConfig",
  fields: {
    Test: "[]string",
    Interval: "int64",
    Timeout: "int64",
    StartPeriod: "int64",
    StartInterval: "int64",
    Retries: "int64",
  },
};

const configShape: Shape = {
  goType: "*v1.DockerOCIImageConfig",
  fields: {
    User: "string",
    ExposedPorts: setType,
    Env: "[]string",
    Entrypoint: "[]string",
    Cmd: "[]string",
    Volumes: setType,
    WorkingDir: "string",
    Labels: "map[string]string",
    StopSignal: "string",
    ArgsEscaped: "bool",
    Healthcheck: healthcheckShape,
    OnBuild: "[]string",
    Shell: "[]string",
  },
};

const imageShape: Shape = {
  goType: "image.InspectResponse",
  fields: {
    Id: "string",
    RepoTags: "[]string",
    RepoDigests: "[]string",
    Parent: "string",
    Comment: "string",
    Created: "string",
    Container: "string",
    ContainerConfig: configShape,
    DockerVersion: "string",
    Author: "string",
    Config: configShape,
    Architecture: "string",
    Variant: "string",
    Os: "string",
    OsVersion: "string",
    Size: "int64",
    VirtualSize: "int64",
    GraphDriver: {
      goType: "*storage.DriverData",
      fields: { Data: "map[string]string", Name: "string" },
    },
    RootFS: { goType: "image.RootFS", fields: { Type: "string", Layers: "[]string" } },
    Metadata: { goType: "image.Metadata", fields: { LastTagTime: "string" } },
  },
};

/** Fields that Go names otherwise than JSON does. */
const goNames: ReadonlyMap<string, string> = new Map([["Id", "ID"]]);

/**
 * What a template sees of an image's document, in Docker's order: first its Go types, where the ID
 * is `.ID`, a field that JSON leaves out is empty, and `index` gives an empty text for a label that
 * is not there; then the JSON with its own names, such as `.Id`, where a missing key is an error.
 */
export const imageViews: DocumentViews = (document) => [
  { data: () => typedView(document, imageShape) },
  { data: () => document as GoValue, missingKey: "error" },
];

type Fields = Readonly<Record<string, unknown>>;

function typedView(document: object, { goType, fields }: Shape): GoValue {
  const given = document as Fields;
  const typed = Object.entries(fields).map(
    ([name, type]) => [goNames.get(name) ?? name, typedField(given[name], type)] as const,
  );
  return goStruct(goType, Object.fromEntries(typed), {
    json: () => jsonView(given, { goType, fields }),
  });
}

function typedField(value: unknown, type: FieldType): GoValue {
  if (typeof type !== "string") {
    return typeof value === "object" && value !== null ? typedView(value, type) : null;
  }
  if (type === setType && typeof value === "object" && value !== null) {
    const members = Object.keys(value).map((key) => [key, goStruct("struct {}", {})] as const);
    return goTyped(type, Object.fromEntries(members));
  }
  const zeroes: Readonly<Record<string, GoValue>> = { bool: false, int64: 0, string: "" };
  return goTyped(type, (value as GoValue) ?? zeroes[type] ?? null);
}

/** The fields that the document has, under JSON's names and in its order. */
function jsonView(document: Fields, { goType, fields }: Shape): GoValue {
  const entries = Object.entries(document).map(([name, value]) => {
    const type = fields[name];
    const isStruct = typeof type === "object" && typeof value === "object" && value !== null;
    return [name, isStruct ? jsonView(value as Fields, type) : (value as GoValue)] as const;
  });
  return goStruct(goType, Object.fromEntries(entries));
}
