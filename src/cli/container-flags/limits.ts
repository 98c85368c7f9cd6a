// SPDX-License-Identifier: Apache-2.0

import type { ThrottleDevice, Ulimit, WeightDevice } from "../../spec/container.ts";
import { parseInteger, parseRamBytes } from "../go-numbers.ts";
import { InvalidValue } from "../invalid-value.ts";
import { cut } from "./key-values.ts";

const ulimitNames = new Set(
  (
    "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending " +
    "stack"
  ).split(" "),
);

const int64 = { bits: 64, isDecimal: true } as const;

/** `--ulimit NAME=SOFT[:HARD]`; -1 is no limit. */
export function parseUlimit(text: string): Ulimit {
  const [name, values] = cut(text);
  if (values === undefined) throw new InvalidValue(`invalid ulimit argument: ${text}`);
  if (!ulimitNames.has(name)) throw new InvalidValue(`invalid ulimit type: ${name}`);
  const [softText = "", hardText, ...more] = values.split(":");
  if (more.length > 0) {
    throw new InvalidValue(
      `too many limit value arguments - ${values}, can only have up to two, \`soft[:hard]\``,
    );
  }
  const given = hardText === undefined ? undefined : parseInteger(hardText, int64);
  const soft = parseInteger(softText, int64);
  const hard = given ?? soft;
  const rule = "ulimit soft limit must be less than or equal to hard limit";
  if (hard !== -1 && soft === -1) {
    throw new InvalidValue(`${rule}: soft: -1 (unlimited), hard: ${hard}`);
  }
  if (hard !== -1 && soft > hard) throw new InvalidValue(`${rule}: ${soft} > ${hard}`);
  return { Name: name, Soft: soft, Hard: hard };
}

function splitDevice(text: string): readonly [path: string, value: string] {
  const [path, value] = cut(text, ":");
  if (value === undefined || path === "") throw new InvalidValue(`bad format: ${text}`);
  if (!path.startsWith("/dev/")) throw new InvalidValue(`bad format for device path: ${text}`);
  return [path, value];
}

/** A value or a message of its own, whatever the reason. */
function valueOr(parse: () => number, message: string): number {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new InvalidValue(message);
  }
}

/** `--device-read-bps DEVICE:SIZE`. */
export function parseByteRate(text: string): ThrottleDevice {
  const [Path, value] = splitDevice(text);
  const Rate = valueOr(
    () => parseRamBytes(value),
    `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. ` +
      "Number must be a positive integer. Unit is optional and can be kb, mb, or gb",
  );
  return { Path, Rate };
}

/** `--device-read-iops DEVICE:NUMBER`. */
export function parseOperationRate(text: string): ThrottleDevice {
  const [Path, value] = splitDevice(text);
  const Rate = valueOr(
    () => parseInteger(value, { bits: 64, isUnsigned: true, isDecimal: true }),
    `invalid rate for device: ${text}. The correct format is <device-path>:<number>. ` +
      "Number must be a positive integer",
  );
  return { Path, Rate };
}

/** `--blkio-weight-device DEVICE:WEIGHT`. */
export function parseDeviceWeight(text: string): WeightDevice {
  const [Path, value] = splitDevice(text);
  const message = `invalid weight for device: ${text}`;
  const Weight = valueOr(
    () => parseInteger(value, { bits: 16, isUnsigned: true, isDecimal: true }),
    message,
  );
  if (Weight !== 0 && (Weight < 10 || Weight > 1000)) throw new InvalidValue(message);
  return { Path, Weight };
}
