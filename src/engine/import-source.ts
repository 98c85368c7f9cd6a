// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { openPath } from "../archive/open-path.ts";
import type { ByteSource } from "../base/bytes.ts";
import { LadeError, messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { rangeSource, streamSource } from "../content/sources.ts";
import { filePosition, growPipe } from "../sys/libc.ts";

/** The bytes of what is to be imported. */
export interface ImportSource extends Disposable {
  /** What errors call it. */
  readonly place: string;
  readonly bytes: ByteSource;
  /** Bytes, where known. */
  readonly size: number | undefined;
}

const pipeSize = 1024 * 1024;

/**
 * Opens a file, an http(s) URL, `-` for standard input, or bytes that somebody hands over.
 *
 * @throws LadeError ARCHIVE_NOT_FOUND, DOWNLOAD_FAILED, IO_FAILED, STORE_DENIED
 */
export function openImportSource(
  source: string | ByteSource,
  signal: AbortSignal | undefined,
): Promise<ImportSource> {
  if (typeof source !== "string") {
    const given = { place: "archive", bytes: source, size: undefined };
    return Promise.resolve({ ...given, [Symbol.dispose]: () => undefined });
  }
  if (/^https?:\/\//i.test(source)) return download(source, signal);
  return Promise.resolve(
    source === "-" ? openDescriptor(0, "standard input", signal) : openFile(source, signal),
  );
}

function openFile(path: string, signal: AbortSignal | undefined): ImportSource {
  const opened = openPath(path);
  const close = () => opened[Symbol.dispose]();
  if (opened.isFolder) {
    close();
    throw new LadeError("ARCHIVE_UNRECOGNIZED", `read ${path}: is a directory`, {
      hint: `Pipe the folder in as a tar: tar -C ${path} -c . | lade import - NAME:TAG`,
    });
  }
  return { ...openDescriptor(opened.fd, path, signal), [Symbol.dispose]: close };
}

function openDescriptor(fd: number, place: string, signal: AbortSignal | undefined): ImportSource {
  const stat = fs.fstatSync(fd);
  const position = stat.isFile() ? filePosition(fd) : undefined;
  const common = { place, [Symbol.dispose]: () => undefined };
  if (position === undefined) {
    growPipe(fd, pipeSize);
    return { ...common, bytes: streamSource(fd, signal), size: undefined };
  }
  const size = Math.max(0, stat.size - position);
  return { ...common, bytes: rangeSource(fd, { offset: position, size }), size };
}

/** The URL without the name and password that it may have: those are nobody else's business. */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url;
  const { username, password } = new URL(url);
  if (username === "" && password === "") return url;
  return Object.assign(new URL(url), { username: "", password: "" }).href;
}

/** Follows redirects by hand, so that none leads to anything but http and https. */
async function download(url: string, signal: AbortSignal | undefined): Promise<ImportSource> {
  let target = parseUrl(url, undefined);
  for (let redirects = 0; redirects <= limits.redirects; redirects++) {
    const response = await request(target, signal);
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      target = parseUrl(location, target);
      continue;
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw failed(target, `status code ${response.status} ${response.statusText}`);
    }
    return fromResponse(target, response, signal);
  }
  throw failed(target, `more than ${limits.redirects} redirects`);
}

function parseUrl(text: string, base: URL | undefined): URL {
  const url = URL.parse(text, base?.href);
  if (url !== null) return url;
  const message = base === undefined ? "invalid URL" : `${shownUrl(base)}: invalid redirect`;
  throw new LadeError("DOWNLOAD_FAILED", `download ${message}`, {
    hint: "Give a URL such as https://example.com/rootfs.tar.gz.",
  });
}

async function request(target: URL, signal: AbortSignal | undefined): Promise<Response> {
  if (target.protocol !== "http:" && target.protocol !== "https:") {
    throw failed(target, `${target.protocol} is not http or https`);
  }
  // Undecoded bytes: a tar.gz is sniffed here and must not be unpacked on the way.
  const headers = new Headers({ "accept-encoding": "identity" });
  const { username, password } = target;
  if (username !== "" || password !== "") {
    // fetch takes no credentials in the URL itself.
    const text = `${decoded(username)}:${decoded(password)}`;
    headers.set("authorization", `Basic ${Buffer.from(text).toString("base64")}`);
  }
  try {
    const url = withoutCredentials(target.href);
    return await fetch(url, { redirect: "manual", headers, ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw failed(target, messageOf(cause), error);
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function shownUrl(target: URL): string {
  return `${target.protocol}//${target.host}${target.pathname}`;
}

function failed(target: URL, reason: string, cause?: unknown): LadeError {
  return new LadeError("DOWNLOAD_FAILED", `download ${shownUrl(target)}: ${reason}`, { cause });
}

function fromResponse(
  target: URL,
  response: Response,
  signal: AbortSignal | undefined,
): ImportSource {
  const { body, headers } = response;
  if (body === null) throw new Error("a response without a body");
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const length = headers.get("content-length");
  let held: Uint8Array = new Uint8Array(0);
  let received = 0;
  const size = length === null ? undefined : Number(length);
  return {
    place: `${target.host}${target.pathname}`,
    size,
    bytes: {
      async read(part: Uint8Array): Promise<number> {
        while (held.length === 0) {
          const next = await reader.read().catch((error: unknown) => {
            signal?.throwIfAborted();
            throw failed(target, messageOf(error), error);
          });
          if (next.done) {
            if (size !== undefined && received < size) throw failed(target, "unexpected EOF");
            return 0;
          }
          held = next.value;
          received += held.length;
        }
        const count = Math.min(part.length, held.length);
        part.set(held.subarray(0, count));
        held = held.subarray(count);
        return count;
      },
    },
    [Symbol.dispose]: () => void reader.cancel().catch(() => undefined),
  };
}
