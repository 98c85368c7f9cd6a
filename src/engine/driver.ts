// SPDX-License-Identifier: Apache-2.0

import { chooseDriver, type DriverChoice, driverSetting } from "../rootfs/driver.ts";
import type { Engine } from "./engine.ts";

interface Chosen {
  readonly setting: string | undefined;
  readonly choice: DriverChoice;
}

const chosen = new WeakMap<Engine, Chosen>();

/**
 * How containers get their layers: as LADE_STORAGE_DRIVER says, else the best way that works here.
 *
 * @throws LadeError UNSUPPORTED for a setting that is none
 */
export function storageDriver(engine: Engine): DriverChoice {
  const { run, store } = engine;
  const setting = process.env[driverSetting];
  const before = chosen.get(engine);
  if (before !== undefined && before.setting === setting) return before.choice;
  const choice = chooseDriver(setting, { run, storeRoot: store.paths.root });
  chosen.set(engine, { setting, choice });
  return choice;
}
