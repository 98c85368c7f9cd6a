// SPDX-License-Identifier: Apache-2.0

/**
 * A command that dies, or is about to, between putting its blobs in place and the database.
 *
 * Arguments: the store's root and a blob of the store to hold. Prints the digests of what it put in
 * place once that is done, and lives on until it is killed.
 */

import { linkSync, renameSync } from "node:fs";
import { stageDocument } from "../../src/content/commit.ts";
import { openLease } from "../../src/content/lease.ts";
import { blobPath, indexPath } from "../../src/content/paths.ts";
import { openStore } from "../../src/content/store.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { topLayer } from "../fixtures/sample-image.ts";
import { stageTar } from "../helpers/blobs.ts";

const [root = "", held = ""] = process.argv.slice(2);
const store = openStore(root);
const lease = openLease(store);
lease.hold(held as Digest);
const layer = await stageTar(lease, topLayer("of the dead").tar);
const document = await stageDocument(lease, Buffer.from("a document of the dead"));
for (const { digest } of [layer, document]) {
  linkSync(lease.pathOf(digest), blobPath(store.paths, digest));
}
renameSync(lease.indexPathOf(layer.digest), indexPath(store.paths, layer.digest));
console.log(JSON.stringify([layer.digest, document.digest]));
setInterval(() => undefined, 1000);
