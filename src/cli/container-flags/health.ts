// SPDX-License-Identifier: Apache-2.0

import type { Healthcheck } from "../../spec/image-config.ts";
import { InvalidValue } from "../invalid-value.ts";

/** `--health-*`; times are nanoseconds. */
export interface HealthOptions {
  readonly command: string;
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
  /** `--no-healthcheck`. */
  readonly isDisabled: boolean;
}

/** The health check of a container, undefined where no option asks for one. */
export function healthcheck(options: HealthOptions): Healthcheck | undefined {
  const { command, interval, timeout, startPeriod, startInterval, retries, isDisabled } = options;
  const numbers = [
    ["interval", interval],
    ["timeout", timeout],
    ["retries", retries],
    ["start-period", startPeriod],
    ["start-interval", startInterval],
  ] as const;
  const isGiven = command !== "" || numbers.some(([, value]) => value !== 0);
  if (isDisabled) {
    if (isGiven) throw new InvalidValue("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!isGiven) return undefined;
  for (const [name, value] of numbers) {
    if (value < 0) throw new InvalidValue(`--health-${name} cannot be negative`);
  }
  return {
    ...(command === "" ? {} : { Test: ["CMD-SHELL", command] }),
    ...(interval === 0 ? {} : { Interval: interval }),
    ...(timeout === 0 ? {} : { Timeout: timeout }),
    ...(startPeriod === 0 ? {} : { StartPeriod: startPeriod }),
    ...(startInterval === 0 ? {} : { StartInterval: startInterval }),
    ...(retries === 0 ? {} : { Retries: retries }),
  };
}
