// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import type { ServerOptions } from "node:https";
import { createSecureContext } from "node:tls";
import { LadeError, messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { systemText } from "./listen-error.ts";

/** Files in PEM, by dockerd's names. */
export interface TlsFiles {
  /** Who signs the certificates of clients that are let in. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * The settings of a server that lets in only clients with a certificate of the authority's.
 *
 * @throws LadeError LISTEN_FAILED for files that can't be read, or are no certificate or key
 */
export function tlsOptions(files: TlsFiles): ServerOptions {
  const pem = {
    ca: read("CA certificate", files.ca),
    cert: read("certificate", files.cert),
    key: read("private key", files.key),
  };
  try {
    createSecureContext(pem);
  } catch (error) {
    throw new LadeError(
      "LISTEN_FAILED",
      `could not load X509 key pair: ${messageOf(error)} (cert: ${files.cert}, key: ${files.key})`,
      { cause: error },
    );
  }
  return {
    ...pem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    handshakeTimeout: limits.api.handshakeMs,
  };
}

function read(what: string, path: string): Buffer {
  try {
    return fs.readFileSync(path);
  } catch (error) {
    throw new LadeError("LISTEN_FAILED", `could not read ${what} ${path}: ${systemText(error)}`, {
      cause: error,
    });
  }
}
