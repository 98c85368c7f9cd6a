// SPDX-License-Identifier: Apache-2.0

/** Media types of images, in OCI's and Docker's words. */
export const mediaTypes = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociEmpty: "application/vnd.oci.empty.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  ociForeignLayer: "application/vnd.oci.image.layer.nondistributable.v1.tar",
  ociForeignLayerGzip: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  ociForeignLayerZstd: "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  dockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar",
  dockerForeignLayerGzip: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  dockerForeignLayerZstd: "application/vnd.docker.image.rootfs.foreign.diff.tar.zstd",
  inToto: "application/vnd.in-toto+json",
} as const;

/** Annotations of descriptors in an index that lade reads and writes. */
export const annotationNames = {
  /** The whole reference, as containerd and Docker write it. */
  imageName: "io.containerd.image.name",
  /** The tag, or whatever the maker takes for a name (image-spec, annotations.md). */
  refName: "org.opencontainers.image.ref.name",
  /** `attestation-manifest` for what is no image. */
  referenceType: "vnd.docker.reference.type",
} as const;

export type LayerCompression = "none" | "gzip" | "zstd";

const LAYER_TYPES: ReadonlyMap<string, LayerCompression> = new Map([
  [mediaTypes.ociLayer, "none"],
  [mediaTypes.ociForeignLayer, "none"],
  [mediaTypes.dockerLayer, "none"],
  [mediaTypes.dockerForeignLayer, "none"],
  [mediaTypes.ociLayerGzip, "gzip"],
  [mediaTypes.ociForeignLayerGzip, "gzip"],
  [mediaTypes.dockerLayerGzip, "gzip"],
  [mediaTypes.dockerForeignLayerGzip, "gzip"],
  [mediaTypes.ociLayerZstd, "zstd"],
  [mediaTypes.ociForeignLayerZstd, "zstd"],
  [mediaTypes.dockerLayerZstd, "zstd"],
  [mediaTypes.dockerForeignLayerZstd, "zstd"],
]);

/**
 * How a layer of the media type says it is compressed; undefined where the type is no tar layer's.
 *
 * Makers get this wrong (skopeo's docker-archive calls a plain tar `.gzip`), so readers go by the
 * bytes.
 */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  return LAYER_TYPES.get(mediaType);
}

/** True for a layer whose licence forbids to pass it on, so that it may be missing (Windows). */
export function isForeignLayer(mediaType: string): boolean {
  return mediaType.includes(".foreign.") || mediaType.includes(".nondistributable.");
}

/** True for a manifest of one image. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;
}

/** True for an index or a manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerManifestList;
}
