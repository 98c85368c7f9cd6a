// SPDX-License-Identifier: Apache-2.0

import { chooseDriver, type DriverChoice, driverSetting } from "../rootfs/driver.ts";
import type { Engine } from "./engine.ts";

/**
 * How containers get their layers: as LADE_STORAGE_DRIVER says, else the best way that works here.
 *
 * @throws LadeError UNSUPPORTED for a setting that is none
 */
export function storageDriver(engine: Engine): DriverChoice {
  const { run, store } = engine;
  return chooseDriver(process.env[driverSetting], { run, storeRoot: store.paths.root });
}
