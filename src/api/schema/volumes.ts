// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { bodyStruct } from "../../spec/body-struct.ts";
import { textMap } from "../../spec/schema.ts";

/** `POST /volumes/create`. */
export const volumeBody = bodyStruct({
  Name: v.string(),
  Driver: v.string(),
  DriverOpts: textMap,
  Labels: textMap,
  ClusterVolumeSpec: bodyStruct({}),
});
