// SPDX-License-Identifier: Apache-2.0

import type { ContainerConfig } from "../spec/container.ts";
import type { Healthcheck, ImageConfigSection } from "../spec/image-config.ts";

/**
 * Completes what the user asked for with what the image's config says.
 *
 * Source: `merge` of moby (daemon/commit.go).
 */
export function mergeConfig(user: ContainerConfig, image: ImageConfigSection): ContainerConfig {
  const { Entrypoint: _, ...asked } = user;
  const merged: ContainerConfig = {
    ...asked,
    User: user.User || (image.User ?? ""),
    ExposedPorts: { ...image.ExposedPorts, ...user.ExposedPorts },
    Env: mergeEnv(user.Env ?? [], image.Env ?? []),
    Labels: { ...image.Labels, ...user.Labels },
    ...mergeCommand(user, image),
    WorkingDir: user.WorkingDir || (image.WorkingDir ?? ""),
    Volumes: { ...image.Volumes, ...user.Volumes },
    StopSignal: user.StopSignal || (image.StopSignal ?? ""),
  };
  const health = mergeHealthcheck(user.Healthcheck, image.Healthcheck);
  return { ...merged, ...(health !== undefined && { Healthcheck: health }) };
}

/** The user's variables first, then those of the image that they leave alone. */
function mergeEnv(user: readonly string[], image: readonly string[]): readonly string[] {
  const nameOf = (entry: string) => entry.split("=", 1)[0];
  const given = new Set(user.map(nameOf));
  return [...user, ...image.filter((entry) => !given.has(nameOf(entry)))];
}

/**
 * An entry point of the user's undoes the image's command; an empty text as the only word undoes
 * the image's entry point, too.
 */
function mergeCommand(
  user: ContainerConfig,
  image: ImageConfigSection,
): Pick<ContainerConfig, "Entrypoint" | "Cmd"> {
  let { Entrypoint: entrypoint, Cmd: command = [] } = user;
  if (entrypoint === undefined || entrypoint.length === 0) {
    if (command.length === 0) command = image.Cmd ?? [];
    entrypoint ??= image.Entrypoint;
  }
  const isUndone = entrypoint?.length === 1 && entrypoint[0] === "";
  return {
    ...(entrypoint !== undefined && !isUndone && { Entrypoint: entrypoint }),
    Cmd: command,
  };
}

function mergeHealthcheck(
  user: Healthcheck | undefined,
  image: Healthcheck | undefined,
): Healthcheck | undefined {
  if (user === undefined || image === undefined) return user ?? image;
  return {
    Test: (user.Test ?? []).length > 0 ? (user.Test ?? []) : (image.Test ?? []),
    Interval: user.Interval || (image.Interval ?? 0),
    Timeout: user.Timeout || (image.Timeout ?? 0),
    StartPeriod: user.StartPeriod || (image.StartPeriod ?? 0),
    StartInterval: user.StartInterval || (image.StartInterval ?? 0),
    Retries: user.Retries || (image.Retries ?? 0),
  };
}
