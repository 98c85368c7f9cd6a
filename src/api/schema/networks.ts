// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { bodyStruct } from "../../spec/body-struct.ts";
import { endpointSettings } from "../../spec/container-body.ts";
import { textMap } from "../../spec/schema.ts";

const ipamConfig = bodyStruct({
  Subnet: v.string(),
  IPRange: v.string(),
  Gateway: v.string(),
  AuxiliaryAddresses: textMap,
});

/** `POST /networks/create`. `CheckDuplicate` means nothing any more: names are always checked. */
export const networkBody = bodyStruct({
  Name: v.string(),
  CheckDuplicate: v.boolean(),
  Driver: v.string(),
  Scope: v.string(),
  EnableIPv4: v.boolean(),
  EnableIPv6: v.boolean(),
  IPAM: bodyStruct({
    Driver: v.string(),
    Options: textMap,
    Config: v.array(v.nullish(ipamConfig, {})),
  }),
  Internal: v.boolean(),
  Attachable: v.boolean(),
  Ingress: v.boolean(),
  ConfigOnly: v.boolean(),
  ConfigFrom: bodyStruct({ Network: v.string() }),
  Options: textMap,
  Labels: textMap,
});

export type NetworkBody = v.InferOutput<typeof networkBody>;

/** `POST /networks/ID/connect`. */
export const connectBody = bodyStruct({
  Container: v.string(),
  EndpointConfig: endpointSettings,
});

/** `POST /networks/ID/disconnect`. */
export const disconnectBody = bodyStruct({ Container: v.string(), Force: v.boolean() });
