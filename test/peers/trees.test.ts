// SPDX-License-Identifier: Apache-2.0

/**
 * Trees, changes and configurations as docker has them, judged by Debian's docker.
 *
 * One file for the test runner, since all tests share one docker daemon.
 */

import { after } from "node:test";
import { closeTreeLab } from "./tree-lab.ts";

after(closeTreeLab);

await import("./rollback.ts");
await import("./container-trees.ts");
await import("./debian-trees.ts");
