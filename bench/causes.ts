// SPDX-License-Identifier: Apache-2.0

/** Why a target is missed, by the target's id; printed beside the target when it is. */
export const missCauses: Readonly<Record<string, string>> = {};
