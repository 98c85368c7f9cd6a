// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { HostConfig } from "../spec/container.ts";
import { containerInvalid } from "./container-errors.ts";

type LogConfig = NonNullable<HostConfig["LogConfig"]>;

/** Docker's drivers that keep a file; here it is in the monitor's own format for both. */
const fileDrivers: ReadonlySet<string> = new Set(["json-file", "local"]);

/** Docker's drivers that send logs elsewhere. */
const remoteDrivers: ReadonlySet<string> = new Set(
  "syslog journald gelf fluentd awslogs splunk gcplogs etwlogs logentries".split(" "),
);

/** Options of Docker's that say more in each record, or how it is sent. */
const otherOptions: ReadonlySet<string> = new Set(
  "labels labels-regex env env-regex tag max-buffer-size".split(" "),
);

/**
 * A container's log configuration, with the driver that it has by default.
 *
 * @throws LadeError CONTAINER_INVALID, UNSUPPORTED for a driver or option that lade does not have
 */
export function logConfig(host: HostConfig): Required<LogConfig> {
  const { Type: type = "", Config: options = {} } = host.LogConfig ?? {};
  const driver = type || "json-file";
  if (remoteDrivers.has(driver)) {
    throw unsupported(`log driver "${driver}"`, "Use json-file, local or none.");
  }
  if (driver !== "none") {
    if (!fileDrivers.has(driver)) {
      throw containerInvalid(
        `error looking up logging plugin ${driver}: plugin "${driver}" not found`,
      );
    }
    for (const [name, value] of Object.entries(options)) checkOption(driver, name, value);
  }
  return { Type: driver, Config: options };
}

function checkOption(driver: string, name: string, value: string): void {
  const shown = `log opt '${name}=${value}'`;
  switch (name) {
    case "max-size":
      if (parseLogSize(driver, value) === undefined) {
        throw containerInvalid(`invalid size: '${value}'`);
      }
      break;
    case "max-file":
      if (!/^\+?\d+$/.test(value)) {
        throw containerInvalid(`strconv.Atoi: parsing "${value}": invalid syntax`);
      }
      if (Number(value) < 1) throw containerInvalid("max-file cannot be less than 1");
      break;
    case "mode":
      if (value === "non-blocking") throw unsupported(shown, "Leave it out: output waits.");
      if (value !== "" && value !== "blocking") {
        throw containerInvalid(`logger: logging mode not supported: ${value}`);
      }
      break;
    case "compress":
      if (!/^(?:0|f|false)$/i.test(value)) {
        throw unsupported(shown, "Leave it out: logs are kept as they are.");
      }
      break;
    default:
      if (otherOptions.has(name)) throw unsupported(shown, "Leave it out.");
      throw containerInvalid(
        driver === "local"
          ? `unknown log opt '${name}' for log driver local`
          : `unknown log opt '${name}' for ${driver} log driver`,
      );
  }
}

function unsupported(what: string, hint: string): LadeError {
  return new LadeError("UNSUPPORTED", `${what} is not supported`, { hint });
}

const prefixes = ["", "k", "m", "g", "t", "p"];

/**
 * The bytes of `max-size=10m`, which is decimal for `json-file` (`units.FromHumanSize` of Docker's
 * go-units) and binary for `local` (`units.RAMInBytes`).
 *
 * @returns undefined for what is no size; -1, which means no limit, is one
 */
function parseLogSize(driver: string, text: string): number | undefined {
  if (text === "-1") return -1;
  const [, digits, prefix = ""] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const base = driver === "local" ? 1024 : 1000;
  const size = Math.trunc(Number(digits) * base ** prefixes.indexOf(prefix.toLowerCase()));
  return size > 0 ? size : undefined;
}

/** Docker's own for `local`. */
const localDefaults = { "max-size": "20m", "max-file": "5" };

/**
 * How many bytes a container's log may have before it is begun anew; undefined for no limit.
 *
 * There is one file, since the monitor knows of no others: it may be as large as all of Docker's
 * together, and where Docker drops the oldest of them, all of it goes.
 */
export function logSizeLimit({ Type: driver = "", Config = {} }: LogConfig): number | undefined {
  const options = driver === "local" ? { ...localDefaults, ...Config } : Config;
  const size = options["max-size"];
  const limit = size === undefined ? undefined : parseLogSize(driver, size);
  if (limit === undefined || limit === -1) return undefined;
  return limit * Number(options["max-file"] ?? "1");
}
