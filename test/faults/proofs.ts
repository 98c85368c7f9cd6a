// SPDX-License-Identifier: Apache-2.0

import { callProof } from "./call-mistakes.ts";
import { clientProof } from "./client-mistakes.ts";
import { diskProof } from "./disk-mistakes.ts";
import { inputProof } from "./input-mistakes.ts";
import type { Proof } from "./proof.ts";

/** What `--prove` runs, in this order. */
export const proofs: readonly Proof[] = [diskProof, callProof, clientProof, inputProof];
