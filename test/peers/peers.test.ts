// SPDX-License-Identifier: Apache-2.0

/**
 * lade and Debian's docker, podman, buildah, skopeo and umoci: what one of them saved, the others
 * take for the same image.
 *
 * One file for the test runner, since all tests share one docker daemon and its images.
 */

import { after } from "node:test";
import { closeSharedLab } from "./shared-lab.ts";

after(closeSharedLab);

await import("./into-lade.ts");
await import("./compressed.ts");
await import("./pipes.ts");
await import("./documents.ts");
await import("./imports.ts");
await import("./debian.ts");
// Last, since it empties docker.
await import("./out-of-lade.ts");
