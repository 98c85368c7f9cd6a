// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { type ConfigAtStep, configAtStep } from "../../src/spec/config-at-step.ts";
import type { HistoryEntry, ImageConfigSection } from "../../src/spec/image-config.ts";

const buildkit = "buildkit.dockerfile.v0";

/** A step of BuildKit's. */
function bk(created_by: string, isEmpty = true): HistoryEntry {
  return { created_by, comment: buildkit, ...(isEmpty && { empty_layer: true }) };
}

/** A step of docker's classic builder. */
function nop(text: string): HistoryEntry {
  return { created_by: `/bin/sh -c #(nop)  ${text}`, empty_layer: true };
}

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** nginx as Docker Hub has it: a base of another maker, then BuildKit. */
const nginx: readonly HistoryEntry[] = [
  {
    created_by: "# debian.sh --arch 'amd64' out/ 'bookworm' '@1750000000'",
    comment: "debuerreotype 0.15",
  },
  bk("LABEL maintainer=NGINX Docker Maintainers <docker-maint@nginx.com>"),
  bk("ENV NGINX_VERSION=1.27.0"),
  bk("ENV NJS_VERSION=0.8.4 PKG_RELEASE=2~bookworm"),
  bk("RUN /bin/sh -c set -x && groupadd nginx # buildkit", false),
  bk("COPY docker-entrypoint.sh / # buildkit", false),
  bk('ENTRYPOINT ["/docker-entrypoint.sh"]'),
  bk("EXPOSE map[80/tcp:{}]"),
  bk("STOPSIGNAL SIGQUIT"),
  bk('CMD ["nginx" "-g" "daemon off;"]'),
];

const nginxConfig: ImageConfigSection = {
  Env: [path, "NGINX_VERSION=1.27.0", "NJS_VERSION=0.8.4", "PKG_RELEASE=2~bookworm"],
  Cmd: ["nginx", "-g", "daemon off;"],
  Entrypoint: ["/docker-entrypoint.sh"],
  ExposedPorts: { "80/tcp": {} },
  Labels: { maintainer: "NGINX Docker Maintainers <docker-maint@nginx.com>" },
  StopSignal: "SIGQUIT",
  WorkingDir: "/",
};

function at(steps: number, config = nginxConfig, history = nginx): ConfigAtStep {
  return configAtStep({ config, history, steps });
}

function assertUnclear(work: () => unknown, pattern: RegExp): void {
  assert.throws(work, (error) => {
    assert.ok(isLadeError(error, "HISTORY_UNCLEAR"), String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

describe("a configuration as it was at a step", () => {
  it("has what later steps do not touch as it is, and undoes what they set", () => {
    const { config, warnings } = at(5);
    const { ExposedPorts, StopSignal, Entrypoint, Cmd, ...rest } = nginxConfig;
    assert.deepEqual(config, rest);
    assert.ok(ExposedPorts && StopSignal && Entrypoint && Cmd);
    assert.deepEqual(warnings, [
      "Cmd: step 1 (\"# debian.sh --arch 'amd64' out/ 'bookworm' '@1750000000'\") may have set it, which the history does not tell",
      "Entrypoint: step 1 (\"# debian.sh --arch 'amd64' out/ 'bookworm' '@1750000000'\") may have set it, which the history does not tell",
      "StopSignal: step 1 (\"# debian.sh --arch 'amd64' out/ 'bookworm' '@1750000000'\") may have set it, which the history does not tell",
      "ExposedPorts 80/tcp: step 1 (\"# debian.sh --arch 'amd64' out/ 'bookworm' '@1750000000'\") may have set it, which the history does not tell",
    ]);
  });

  it("is the image's own after the last step", () => {
    assert.deepEqual(at(nginx.length), { config: nginxConfig, warnings: [] });
  });

  it("reads every instruction of docker's classic builder", () => {
    const history: HistoryEntry[] = [
      { created_by: "/bin/sh -c #(nop) ADD file:1234 in / " },
      nop('CMD ["bash"]'),
      nop("ENV A=1"),
      nop("ENV B=two words C=x=y"),
      nop("LABEL one=1 two=a b c"),
      nop("EXPOSE 53/udp 80"),
      nop("VOLUME [/data /more]"),
      nop("WORKDIR /srv"),
      nop("USER app:app"),
      nop("STOPSIGNAL SIGINT"),
      nop('HEALTHCHECK &{["CMD-SHELL" "curl \\"x\\" || exit 1"] "30s" "3s" "0s" \'\\x03\'}'),
      nop("SHELL [/bin/bash -o pipefail -c]"),
      nop("ONBUILD RUN make"),
      nop("ARG v=1"),
      nop("MAINTAINER Somebody"),
      { created_by: "|1 v=1 /bin/bash -o pipefail -c make install" },
      nop("ENV A=2"),
      nop("ENV B=other"),
      nop("LABEL two=z"),
      nop("EXPOSE 443"),
      nop("VOLUME [/third]"),
      nop("WORKDIR /opt"),
      nop("USER root"),
      nop("STOPSIGNAL SIGTERM"),
      nop('HEALTHCHECK &{["NONE"] "0s" "0s" "0s" \'\\x00\'}'),
      nop("SHELL [/bin/sh -c]"),
      nop("ONBUILD COPY . /"),
      nop('CMD ["sh"]'),
    ];
    const final: ImageConfigSection = {
      Env: ["A=2", "B=other", "C=x=y"],
      Cmd: ["sh"],
      Labels: { one: "1", two: "z" },
      ExposedPorts: { "443/tcp": {}, "53/udp": {}, "80/tcp": {} },
      Volumes: { "/data": {}, "/more": {}, "/third": {} },
      WorkingDir: "/opt",
      User: "root",
      StopSignal: "SIGTERM",
      // The classic builder keeps of an earlier one what a later one does not say.
      Healthcheck: { Test: ["NONE"], Interval: 30e9, Timeout: 3e9, Retries: 3 },
      Shell: ["/bin/sh", "-c"],
      OnBuild: ["RUN make", "COPY . /"],
    };
    assert.deepEqual(at(16, final, history), {
      config: {
        Env: ["A=1", "B=two words", "C=x=y"],
        Cmd: ["bash"],
        Labels: { one: "1", two: "a b c" },
        ExposedPorts: { "53/udp": {}, "80/tcp": {} },
        Volumes: { "/data": {}, "/more": {} },
        WorkingDir: "/srv",
        User: "app:app",
        StopSignal: "SIGINT",
        Healthcheck: {
          Test: ["CMD-SHELL", 'curl "x" || exit 1'],
          Interval: 30e9,
          Timeout: 3e9,
          Retries: 3,
        },
        Shell: ["/bin/bash", "-o", "pipefail", "-c"],
        OnBuild: ["RUN make"],
      },
      warnings: [],
    });
  });

  it("reads lines of a Dockerfile, as buildah and kaniko keep them", () => {
    const history: HistoryEntry[] = [
      { created_by: "/bin/sh -c #(nop) COPY dir:123 in / " },
      { created_by: '/bin/sh -c #(nop) ENV A="two words" B=$A', empty_layer: true },
      { created_by: 'CMD ["run", "it"]', empty_layer: true },
      { created_by: "RUN make" },
      { created_by: "/bin/sh -c #(nop) ENV A=3", empty_layer: true },
      { created_by: "CMD sleep 1", empty_layer: true },
    ];
    const final = { Env: ["A=3", "B="], Cmd: ["/bin/sh", "-c", "sleep 1"] };
    assert.deepEqual(at(3, final, history), {
      config: { Env: ["A=two words", "B="], Cmd: ["run", "it"] },
      warnings: [],
    });
  });

  it("knows that an ENTRYPOINT takes the command of a base image away", () => {
    const history = [
      bk("COPY base / # buildkit", false),
      bk('CMD ["base"]'),
      bk("COPY app / # buildkit", false),
      bk('ENTRYPOINT ["/app"]'),
      bk("COPY more / # buildkit", false),
    ];
    const config = { Entrypoint: ["/app"] };
    assert.deepEqual(at(2, config, history), { config: { Cmd: ["base"] }, warnings: [] });
    assert.deepEqual(at(4, config, history), { config, warnings: [] });
    // Here the history alone does not tell whether both came from one Dockerfile.
    const later = [...history, bk('CMD ["late"]')];
    const lateConfig = { ...config, Cmd: ["late"] };
    assertUnclear(() => at(4, lateConfig, later), /Cmd: an ENTRYPOINT may have taken it away/);
    assert.deepEqual(at(3, lateConfig, later).config, { Cmd: ["base"] });
  });

  it("takes what `commit` may have changed for what it is: not told", () => {
    const history: HistoryEntry[] = [
      bk("COPY app / # buildkit", false),
      bk('CMD ["app"]'),
      { created_by: "sh", comment: "changed by hand" },
    ];
    const config = { Cmd: ["sh"], Env: ["NEW=1"] };
    // Before the commit the history was whole.
    assert.deepEqual(at(2, config, history), { config: { Cmd: ["app"], Env: [] }, warnings: [] });
    const imported: HistoryEntry[] = [{ comment: "Imported from -" }, { created_by: "sh" }];
    const told = at(1, { Cmd: ["run"] }, imported);
    assert.deepEqual(told.config, { Cmd: ["run"] });
    assert.match(told.warnings.join(), /^Cmd: step 1 \("Imported from -"\) may have set it/);
  });

  it("refuses by name what it can't tell", () => {
    const squashed: HistoryEntry[] = [
      bk("COPY a / # buildkit", false),
      { ...bk("RUN b # buildkit"), empty_layer: true },
      { comment: "merge sha256:aaaa to sha256:bbbb" },
    ];
    assertUnclear(() => at(1, {}, squashed), /step 3 squashed the steps before it/);
    const lying = [bk("COPY a / # buildkit", false), bk("RUN b # buildkit", false), bk("USER x")];
    assertUnclear(() => at(1, { User: "other" }, lying), /User: step 3 \("USER x"\) does not give/);
    const broken = [
      bk("HEALTHCHECK garbage"),
      bk("RUN b # buildkit", false),
      bk('HEALTHCHECK &{["NONE"] "0s" "0s" "0s" \'\\x00\'}'),
    ];
    assertUnclear(
      () => at(1, { Healthcheck: { Test: ["NONE"] } }, broken),
      /step 1 \("HEALTHCHECK garbage"\) can't be understood/,
    );
    // What nobody asks for may be broken.
    assert.deepEqual(
      at(1, { User: "" }, [bk("HEALTHCHECK garbage"), bk("USER x"), bk("USER ")].slice(0, 1))
        .warnings,
      [],
    );
  });
});
