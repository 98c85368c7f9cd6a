// SPDX-License-Identifier: Apache-2.0

import type { NetworkDocument } from "../../engine/container-types.ts";
import { goTimeOfText, shortId } from "./human.ts";
import { labelMethod, labelsText } from "./labels.ts";
import type { ListView } from "./list-view.ts";

/** The fields of a network's row; Docker's names and texts. */
export function networkView(isTruncated: boolean): ListView<NetworkDocument> {
  return {
    goType: "*network.networkContext",
    fields: {
      ID: ({ Id }) => (isTruncated ? shortId(Id) : Id),
      Name: ({ Name }) => Name,
      Driver: ({ Driver }) => Driver,
      Scope: ({ Scope }) => Scope,
      // Every network has addresses of this kind.
      IPv4: () => "true",
      IPv6: ({ EnableIPv6 }) => String(EnableIPv6),
      Internal: ({ Internal }) => String(Internal),
      Labels: ({ Labels }) => labelsText(Labels),
      CreatedAt: ({ Created }) => goTimeOfText(Created),
    },
    methods: { Label: labelMethod(({ Labels }) => Labels) },
    headers: {
      ID: "NETWORK ID",
      Name: "NAME",
      Driver: "DRIVER",
      Scope: "SCOPE",
      IPv4: "IPV4",
      IPv6: "IPV6",
      Internal: "INTERNAL",
      Labels: "LABELS",
      CreatedAt: "CREATED AT",
    },
    columns: ["ID", "Name", "Driver", "Scope"],
  };
}
