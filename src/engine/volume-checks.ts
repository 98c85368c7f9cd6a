// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { containerInvalid } from "./container-errors.ts";
import { isObjectName, nameCharacters } from "./container-names.ts";

/** The rules for volumes of Docker's local driver (daemon/volume/local of moby). */

/** @throws LadeError CONTAINER_INVALID */
export function checkVolumeName(name: string): void {
  const fault = findNameFault(name);
  if (fault !== undefined) throw containerInvalid(`create ${name}: ${fault}`);
}

function findNameFault(name: string): string | undefined {
  if (name.length === 1) {
    return "volume name is too short, names should be at least two alphanumeric characters";
  }
  if (isObjectName(name)) return undefined;
  return (
    `"${name}" includes invalid characters for a local volume name, only "${nameCharacters}" are ` +
    "allowed. If you intended to pass a host directory, use absolute path"
  );
}

/**
 * @param work comes first in the message
 * @throws LadeError VOLUME_NOT_FOUND for a driver that is not the local one
 */
export function checkVolumeDriver(driver: string, work = ""): void {
  if (driver === "local") return;
  throw new LadeError(
    "VOLUME_NOT_FOUND",
    `${work}error looking up volume plugin ${driver}: plugin "${driver}" not found`,
    { hint: "Volumes are local: leave the driver away." },
  );
}

const optionNames = ["type", "device", "o"];
const remoteTypes = ["nfs", "nfs4", "cifs", "smb3"];

/**
 * Checks the options of a volume: `type`, `device` and `o`, as mount(8) takes them.
 *
 * @throws LadeError CONTAINER_INVALID; UNSUPPORTED for volumes of other machines and for quotas
 */
export function checkVolumeOptions(name: string, options: Readonly<Record<string, string>>): void {
  const fail = (text: string) => containerInvalid(`create ${name}: ${text}`);
  for (const option of Object.keys(options)) {
    if (option === "size") {
      throw new LadeError(
        "UNSUPPORTED",
        `create ${name}: quota size requested but no quota support`,
        { hint: "Use a tmpfs with a size: --opt type=tmpfs --opt device=tmpfs --opt o=size=100m." },
      );
    }
    if (!optionNames.includes(option)) throw fail(`invalid option: "${option}"`);
  }
  const { type, device, o } = options;
  if (device !== undefined && type === undefined) throw fail('missing required option: "type"');
  if (type !== undefined && device === undefined) throw fail('missing required option: "device"');
  if (o !== undefined && type === undefined) throw fail('missing required option: "device"');
  if (type !== undefined && remoteTypes.includes(type)) {
    throw new LadeError(
      "UNSUPPORTED",
      `create ${name}: volumes of type ${type} are not supported`,
      { hint: "Mount it on this machine, and give the folder with -v." },
    );
  }
}
