// SPDX-License-Identifier: Apache-2.0

import type { ErrorCode } from "../src/base/errors.ts";

/** What each error code means, in one sentence: the text of `docs/errors.md`. */
export const errorTexts: Readonly<Record<ErrorCode, string>> = {
  ARCHIVE_AMBIGUOUS: "Two parts of the archive say different things about the same image.",
  ARCHIVE_IS_FILESYSTEM:
    "The archive is the file system of a container, as `docker export` writes it: use `lade import`.",
  ARCHIVE_IS_IMAGE:
    "The archive holds images, as `docker save` writes it: use `lade load`, or `lade import --force`.",
  ARCHIVE_LAYER_MISSING:
    "The archive names a layer that it does not hold, and the store does not have it either.",
  ARCHIVE_MEMBER_MISSING: "The archive names a file that it does not hold.",
  ARCHIVE_NOT_FOUND: "There is no such archive or folder.",
  ARCHIVE_UNRECOGNIZED: "The file or folder is in none of the forms that lade reads.",
  BLOB_NOT_FOUND: "The store lacks the bytes of a digest that it refers to.",
  CHANGE_INVALID: "A `--change` is no Dockerfile instruction that can be used there.",
  COMMAND_NOT_EXECUTABLE: "The container's command can't be executed: `run` ends with 126.",
  COMMAND_NOT_FOUND: "The container has no such command: `run` ends with 127.",
  COMPRESSION_CORRUPT: "Compressed data ends too early or does not unpack.",
  CONTAINER_CONFLICT: "The container is in a state that does not allow this, or its name is taken.",
  CONTAINER_INVALID: "A setting of the container, or its name, has a value that it can't have.",
  CONTAINER_NOT_FOUND: "There is no such container.",
  CONTAINER_NOT_RUNNING: "The container is not running.",
  DIGEST_INVALID: "The text is no digest: one is `sha256:` and 64 hexadecimal digits.",
  DIGEST_MISMATCH: "The bytes are not those that their digest was made from.",
  DISK_FULL: "The disk is full, or a quota is used up; nothing changed.",
  DOCUMENT_INVALID:
    "A JSON document of an image does not have the form that the standard asks for.",
  DOWNLOAD_FAILED: "A URL could not be read to its end.",
  EXEC_NOT_FOUND: "There is no such exec.",
  FILTER_INVALID: "A `--filter` has no such key or value.",
  IMAGE_AMBIGUOUS: "The short ID is the beginning of several images' IDs.",
  IMAGE_IN_USE: "The image has several names or is needed, so it is removed with `--force` only.",
  IMAGE_NOT_FOUND: "The store has no such image.",
  IO_FAILED: "The system failed to read or write a file.",
  LIMIT_EXCEEDED: "Something from outside is larger, deeper or more than lade accepts.",
  MOUNT_FAILED: "The kernel refused to mount something.",
  NAME_ESCAPES: "A name inside the archive leads out of it.",
  NETWORK_FAILED: "The network could not be set up or taken down.",
  NETWORK_IN_USE: "A container uses the network, or its name or addresses are taken.",
  NETWORK_NOT_FOUND: "There is no such network.",
  OUTPUT_INVALID: "The output can't be written to that place.",
  PATH_NOT_FOUND: "The container has no such file or folder.",
  PIPE_CLOSED: "The program that read the output stopped reading.",
  PLATFORM_INVALID:
    "The text is no platform: one is `os/architecture` or `os/architecture/variant`.",
  PLATFORM_NOT_FOUND: "The image does not exist for that platform.",
  PORT_TAKEN: "The port on the host is in use.",
  REFERENCE_INVALID: "The text is no name of an image: one is `repository`, `:tag` and `@digest`.",
  ROOT_NEEDED: "Only root may do this.",
  RUNTIME_FAILED: "The OCI runtime or the monitor failed.",
  RUNTIME_MISSING:
    "A program that runs containers is not installed; the message names its Debian package.",
  STORE_BUSY: "Another command kept the store locked for too long.",
  STORE_DAMAGED: "The store's own data is damaged: `lade system check --repair` says more.",
  STORE_DENIED: "The user may not read or write the store.",
  STORE_VERSION: "The store was made by a version of lade that this one does not know.",
  TAR_CHECKSUM: "The header of a tar entry is damaged.",
  TAR_FIELD: "A field of a tar entry has a value that it can't have.",
  TAR_TRUNCATED: "The tar ends in the middle of an entry.",
  TEMPLATE_EXECUTION: "A `--format` asks a value for something that it does not have.",
  TEMPLATE_INVALID: "A `--format` is no Go template that lade understands.",
  UNSUPPORTED: "lade can't do this, or not on this system.",
  USAGE: "The command line has an unknown option, or too few or too many arguments.",
  VOLUME_IN_USE: "A container uses the volume.",
  VOLUME_NOT_FOUND: "There is no such volume.",
};
