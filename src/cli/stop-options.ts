// SPDX-License-Identifier: Apache-2.0

import type { StopOptions } from "../engine/container-types.ts";
import type { OptionValues } from "./command.ts";
import { ExitStatus } from "./exit-status.ts";
import { signalOption } from "./option-specs.ts";
import { intOption } from "./value-options.ts";

/** What `stop` and `restart` take. */
export const stopOptions = {
  signal: signalOption,
  time: intOption({
    summary: "Seconds to wait before killing the container",
    deprecated: "use --timeout instead",
  }),
  timeout: intOption({
    short: "t",
    summary: "Seconds to wait before killing the container",
  }),
} as const;

export function readStopOptions(
  { signal, time, timeout }: OptionValues<typeof stopOptions>,
  isGiven: (name: "time" | "timeout") => boolean,
): StopOptions {
  if (isGiven("time") && isGiven("timeout")) {
    throw new ExitStatus("conflicting options: cannot specify both --timeout and --time");
  }
  const seconds = isGiven("time") ? time : timeout;
  return {
    signal: signal === "" ? undefined : signal,
    timeoutSeconds: isGiven("time") || isGiven("timeout") ? seconds : undefined,
  };
}
