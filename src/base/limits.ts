// SPDX-License-Identifier: Apache-2.0

const KIB = 1024;
const MIB = 1024 * KIB;

/** Every cap on what comes from outside, in one place; sizes are bytes. */
export const limits = {
  /** One JSON document of an image. containers/image stops at 4 MiB, containerd at 20. */
  documentSize: 4 * MIB,
  /** JSON within JSON; a real document has ten levels, Go stops at 10,000. */
  documentDepth: 1000,
  /** `manifest.json` of an archive with thousands of images is larger than one manifest. */
  archiveManifestSize: 32 * MIB,
  /** All small members of a streamed archive that are kept in memory until its end. */
  spooledDocumentsSize: 64 * MIB,
  /** A pax header or a GNU long name (CVE-2022-2879 reads a gigabyte). */
  tarExtensionSize: MIB,
  /** PATH_MAX of Linux. */
  pathSize: 4096,
  /** Folders within folders (CVE-2024-28863 sends 50,000). */
  pathDepth: 1024,
  /** Entries of one layer. */
  layerEntries: 10_000_000,
  /** Maps and copied data of a layer's sparse files: lastlog with a hole of a terabyte takes 12 MiB. */
  sparseMapSize: 256 * MIB,
  /** Members of an outer archive: layers, configs, manifests. */
  archiveMembers: 1_000_000,
  /** Index within index (CVE-2021-41190 and image-spec allow any depth). */
  indexDepth: 8,
  /** Manifests that one archive may reach. */
  archiveManifests: 100_000,
  /** Symlink to symlink inside an archive. */
  memberLinks: 16,
  /** Layers of one image; overlayfs of current kernels takes 500. */
  imageLayers: 500,
  /** The window a zstd frame may ask for, as a power of two: 128 MiB. */
  zstdWindowLog: 27,
  /** Redirects of a download. */
  redirects: 10,
  /** `/etc/passwd` and `/etc/group` of a container; containerd stops there, too. */
  userFileSize: 10 * MIB,
  /** What a client of the API may send. */
  api: {
    /** A JSON body: `create` with thousands of labels and binds is below a megabyte. */
    jsonBodySize: 8 * MIB,
    /** Request line and headers together; an `X-Registry-Auth` of many registries is some kilobytes. */
    headersSize: 64 * KIB,
    /** Docker's clients send a handful. Node would drop what goes beyond its own count unseen. */
    headersCount: 1000,
    headersTimeoutMs: 60_000,
    /** A body that is read whole before anything happens: else a few slow clients take all requests. */
    smallBodyMs: 30_000,
    /** A client that comes back sooner need not connect again; an idle connection holds a descriptor. */
    keepAliveMs: 300_000,
    /** For each listener: with pipes and files of requests it stays below usual `ulimit -n`. */
    connections: 1024,
    /** Requests under way, streams and attached clients among them: each may hold several files. */
    requests: 512,
    handshakeMs: 10_000,
    /** How long requests under way may go on when the server stops: as long as `docker stop` waits. */
    stopGraceMs: 10_000,
    /** One message of a websocket. */
    messageSize: MIB,
  },
  /** What a `--format` template may use up. Go sets most of these to what its growing stacks hold. */
  template: {
    /** Blocks and parentheses within each other in the text of a template. */
    nesting: 200,
    /** Blocks and called templates within each other in an execution; Go stops at 100,000. */
    executionDepth: 400,
    /** Maps, slices and structs within each other, when they are printed. */
    dataDepth: 200,
    /** One string, in UTF-16 units: `print $x $x` in a loop doubles it each time. */
    textLength: 16 * MIB,
    /** The whole output, in UTF-16 units. */
    outputLength: 64 * MIB,
    /** Steps of one execution: a range over a large number ends here and not after hours. */
    steps: 1_000_000,
    /** Units of text, or items of a new slice, that count as one step of a function. */
    textPerStep: 16,
  },
} as const;
