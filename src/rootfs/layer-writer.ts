// SPDX-License-Identifier: Apache-2.0

import type { ByteSource } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import { type ByteString, byteStringToText } from "../tar/entry.ts";
import { partSource, type TarPart } from "./tar-stream.ts";
import { type FolderNode, type PlacedNode, plainNode, type TreeNode, walkTree } from "./tree.ts";
import { type TreeTarOptions, treeTarParts } from "./tree-tar.ts";

const whiteoutPrefix = ".wh.";
const opaqueName = ".wh..wh..opq";

/** What stands in a layer's tar for something that it hides: an empty file, the same every time. */
const marker: TreeNode = { ...plainNode, type: "file", mode: 0o600 };

export interface LayerTar extends ByteSource, Disposable {}

/**
 * A container's changes as the tar of one layer, with whiteouts as OCI has them.
 *
 * The same changes give the same bytes: members are in the order of their names, and whiteouts have
 * no time or owner of their own. A change of the root folder itself is left out, as Docker does.
 *
 * @param upper what the upper folder holds
 * @param upperFd the open upper folder; it has to stay open until the tar was read
 * @throws LadeError while it is read: UNSUPPORTED for a file whose name no layer can hold, IO_FAILED
 *   for one that became shorter meanwhile
 * @see OCI image-spec, layer.md
 */
export function layerTar(upper: FolderNode, upperFd: number): LayerTar {
  const parts = treeTarParts(layerMembers(upper), { layers: [], upperFd });
  return disposableSource(parts);
}

/**
 * A whole file system as the tar of one layer, which lies on nothing.
 *
 * @throws LadeError while it is read, as {@link layerTar}
 */
export function imageTar(tree: FolderNode, options: TreeTarOptions): LayerTar {
  return disposableSource(treeTarParts(layerMembers(tree), options));
}

/** A source that closes what its parts have open when it is disposed of before its end. */
export function disposableSource(parts: Generator<TarPart>): LayerTar {
  return { ...partSource(parts), [Symbol.dispose]: () => void parts.return(undefined) };
}

function* layerMembers(upper: FolderNode): Generator<PlacedNode> {
  for (const { path, node } of walkTree(upper)) {
    const slash = path.lastIndexOf("/") + 1;
    const name = path.slice(slash);
    if (name.startsWith(whiteoutPrefix)) throw unspeakable(path);
    if (node.type === "whiteout") {
      // Each is a member of its own, not a link to the first.
      yield { path: `${path.slice(0, slash)}${whiteoutPrefix}${name}`, node: { ...marker } };
      continue;
    }
    yield { path, node };
    if (node.isOpaque) yield { path: `${path}/${opaqueName}`, node: { ...marker } };
  }
}

function unspeakable(path: ByteString): LadeError {
  return new LadeError(
    "UNSUPPORTED",
    `/${byteStringToText(path)}: a layer can't hold a file of this name, which stands for one that was removed`,
    { hint: "Rename or remove it in the container, then commit again." },
  );
}
