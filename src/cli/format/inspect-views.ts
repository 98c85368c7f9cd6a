// SPDX-License-Identifier: Apache-2.0

import { type Shape, setType, shapedViews } from "./go-shape.ts";

export const healthcheckShape: Shape = {
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

/** What a template sees of an image's document. */
export const imageViews = shapedViews(imageShape);
