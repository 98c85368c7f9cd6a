// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive } from "../e2e/side-by-side.ts";
import { startDockerd } from "./dockerd.ts";
import {
  type ApiAnswer,
  type ApiRequest,
  type LadeServe,
  send,
  startLadeServe,
} from "./lade-serve.ts";
import { shellQuote } from "./tools.ts";

/** `lade serve` and Debian's dockerd with the same image, for requests that are sent to both. */
export interface ApiPair extends AsyncDisposable {
  readonly serve: LadeServe;
  /** `unix://…` of dockerd. */
  readonly dockerHost: string;
  lade(method: string, path: string, options?: ApiRequest): Promise<ApiAnswer>;
  docker(method: string, path: string, options?: ApiRequest): Promise<ApiAnswer>;
}

/** @param image the name under which busybox is there in both */
export async function openApiPair(image: string): Promise<ApiPair> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "lade-pair-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const dockerd = stack.use(await startDockerd());
  const serve = stack.use(await startLadeServe());
  const socket = dockerd.host.replace("unix://", "");
  const archive = await busyboxArchive(folder, image, dockerd.command.map(shellQuote).join(" "));
  const { code, stderr } = await serve.lade("load", "-q", "-i", archive);
  if (code !== 0) throw new Error(`lade load: ${stderr}`);
  const kept = stack.move();
  return {
    serve,
    dockerHost: dockerd.host,
    lade: (method, path, options) => serve.request(method, path, options),
    docker: (method, path, options) => send(socket, { method, path, ...options }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
