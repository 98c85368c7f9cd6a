// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { attachContainer, resizeContainer } from "../../engine/attach.ts";
import { type Answer, empty, type RawConnection } from "../answer.ts";
import { type Call, param } from "../call.ts";
import { rawType, streamType } from "../frames.ts";
import { LateConnection, type WantedStreams } from "../late-connection.ts";
import type { Route } from "../route.ts";
import { terminalSize } from "../terminal-size.ts";

function wantedStreams({ query }: Call): WantedStreams {
  return {
    stdin: query.bool("stdin"),
    stdout: query.bool("stdout"),
    stderr: query.bool("stderr"),
  };
}

async function attach(call: Call): Promise<Answer> {
  return await attachWith(call, wantedStreams(call), { framed: true });
}

/** Messages keep nothing apart: output and errors come as they are. */
async function attachWebsocket(call: Call): Promise<Answer> {
  if (call.headers.upgrade?.toLowerCase() !== "websocket") {
    throw new LadeError("API_INVALID", "not a websocket handshake");
  }
  const all = { stdin: true, stdout: true, stderr: true };
  return await attachWith(call, call.version < 42 ? all : wantedStreams(call), { framed: false });
}

async function attachWith(
  call: Call,
  wanted: WantedStreams,
  { framed }: { readonly framed: boolean },
): Promise<Answer> {
  const { query, signal, version } = call;
  const late = new LateConnection(wanted);
  const attachment = await attachContainer(call.engine, param(call, "id"), {
    ...late.streams,
    detachKeys: query.text("detachKeys"),
    logs: query.bool("logs"),
    stream: query.bool("stream"),
    waits: true,
  });
  late.isFramed = framed && !attachment.hasTerminal;
  const detach = () => {
    attachment.detach();
    // Who left before the connection was handed over will never get it.
    late.abandon();
  };
  signal.addEventListener("abort", detach, { once: true });
  if (signal.aborted) detach();
  attachment.ended.catch(() => {});
  const isUpgrade = call.headers.upgrade !== undefined;
  return {
    type: "raw",
    contentType: isUpgrade ? streamType(version, attachment.hasTerminal) : rawType,
    async run(connection: RawConnection) {
      await using _ = attachment;
      late.open(connection);
      connection.gone.addEventListener("abort", detach, { once: true });
      if (connection.gone.aborted) detach();
      try {
        await attachment.ended;
      } finally {
        signal.removeEventListener("abort", detach);
      }
    },
  };
}

async function resize(call: Call): Promise<Answer> {
  await resizeContainer(call.engine, param(call, "id"), terminalSize(call.query));
  return empty(200);
}

export const attachRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/containers/{id}/attach",
    isWatching: true,
    summary: "Connect to a container's input and output",
    support: {
      is: "partly",
      missing: "input from clients that ask for no upgrade and send no body",
    },
    handle: attach,
  },
  {
    method: "GET",
    path: "/containers/{id}/attach/ws",
    isWatching: true,
    summary: "Connect to a container's input and output by a websocket",
    support: { is: "works" },
    handle: attachWebsocket,
  },
  {
    method: "POST",
    path: "/containers/{id}/resize",
    summary: "Tell a container's terminal its size",
    support: { is: "works" },
    handle: resize,
  },
];
