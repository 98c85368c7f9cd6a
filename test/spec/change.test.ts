// SPDX-License-Identifier: Apache-2.0
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are those of a shell

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { applyChanges } from "../../src/spec/change.ts";
import { formatGoJson } from "../../src/spec/go-json.ts";
import { sectionDocument } from "../../src/spec/image-config-format.ts";
import { refused, resultOrRefusal } from "./refused.ts";

interface Golden {
  readonly changes: readonly string[];
  /** What differs from an empty config in the image that `docker import` made. */
  readonly config: Readonly<Record<string, unknown>>;
}

// Made by `docker import -c` of Docker 20.10.24.
const goldens: readonly Golden[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "golden", "changes.json"), "utf8"),
);

function document(changes: readonly string[]): Record<string, unknown> {
  return JSON.parse(formatGoJson(sectionDocument(applyChanges({}, changes))));
}

function fault(...changes: string[]): string {
  return refused("CHANGE_INVALID", () => applyChanges({}, changes)).message;
}

describe("applyChanges", () => {
  it("makes the configs that Docker makes", () => {
    assert.ok(goldens.length > 60);
    const empty = document([]);
    for (const { changes, config } of goldens) {
      assert.deepEqual(document(changes), { ...empty, ...config }, JSON.stringify(changes));
    }
  });

  it("refuses in Docker's words", () => {
    const json = "when using JSON array syntax, arrays must be comprised of strings only";
    const unclosed = "unexpected end of statement while looking for matching";
    const cases: readonly (readonly [change: string, message: string])[] = [
      ["", "file with no instructions"],
      ["# only a comment\n\n", "file with no instructions"],
      ["RUN x", "RUN is not a valid change command"],
      ["foo bar", "foo is not a valid change command"],
      ['SHELL ["a"]', "SHELL is not a valid change command"],
      ["USER a\nCOPY a b", "COPY is not a valid change command"],
      ["ENV\u00a0a=b", '"ENV\\u00a0a=b" is not a valid change command'],
      ['CMD ["a",1]', json],
      ["RUN [1]", json],
      ["ONBUILD CMD [1]", json],
      ["ENV a", "ENV must have two arguments"],
      ["ENV a=1 b", 'Syntax error - can\'t find = in "b". Must be of the form: name=value'],
      ["ENV =x", "ENV names can not be blank"],
      ["ENV", "ENV requires at least one argument"],
      ["ENV --x=1 a=b", "unknown flag: --x"],
      ['ENV x="y', `failed to process "\\"y": ${unclosed} double-quote`],
      ["ENV x='y", `failed to process "'y": ${unclosed} single-quote`],
      ["ENV x=${y!z}", 'failed to process "${y!z}": unsupported modifier (!) in substitution'],
      ["ENV x=${y:?gone}", 'failed to process "${y:?gone}": y: gone'],
      ["ENV x=${y?}", 'failed to process "${y?}": y: is not allowed to be unset'],
      ["ENV x=${}", 'failed to process "${}": syntax error: bad substitution'],
      ["ENV x=${", "failed to process \"${\": syntax error: missing '}'"],
      ["ENV x=${y:-z", "failed to process \"${y:-z\": syntax error: missing '}'"],
      ["LABEL a", "LABEL must have two arguments"],
      ["EXPOSE", "EXPOSE requires at least one argument"],
      ["EXPOSE 99999", "invalid containerPort: 99999"],
      ["EXPOSE abc", "invalid containerPort: abc"],
      ["EXPOSE 10-5", "invalid containerPort: 10-5"],
      ["EXPOSE -1", "invalid containerPort: -1"],
      ["EXPOSE 80/foo", "invalid proto: foo"],
      ["EXPOSE /tcp", "no port specified: /tcp<empty>"],
      ["EXPOSE 80:90-91", "invalid ranges specified for container and host Ports: 90-91 and 80"],
      ["EXPOSE 1-3:4-7", "invalid ranges specified for container and host Ports: 4-7 and 1-3"],
      ["EXPOSE x:80", "invalid hostPort: x"],
      ["EXPOSE 1.2.3:80:81", "invalid IP address: 1.2.3"],
      ["EXPOSE 1.2.3.256:80:81", "invalid IP address: 1.2.3.256"],
      ["EXPOSE 1.2.3.04:80:81", "invalid IP address: 1.2.3.04"],
      ["EXPOSE [::1%lo]:80:81", "invalid IP address: ::1%lo"],
      ["EXPOSE 1::2::3:80:81", "invalid IP address: 1::2::3"],
      ["ONBUILD", "ONBUILD requires at least one argument"],
      ["ONBUILD onbuild RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
      ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
      ["ONBUILD maintainer me", "MAINTAINER isn't allowed as an ONBUILD trigger"],
      ["USER", "USER requires exactly one argument"],
      ["USER --x me", "unknown flag: --x"],
      ["VOLUME", "VOLUME requires at least one argument"],
      ["VOLUME []", "VOLUME requires at least one argument"],
      ['VOLUME [""]', "VOLUME specified can not be an empty string"],
      ["VOLUME $NOPE", "VOLUME specified can not be an empty string"],
      ["WORKDIR", "WORKDIR requires exactly one argument"],
      ["WORKDIR $NOPE", "cannot normalize nothing"],
      ["STOPSIGNAL", "STOPSIGNAL requires exactly one argument"],
      ["STOPSIGNAL NOPE", "invalid signal: NOPE"],
      ["STOPSIGNAL 0", "invalid signal: 0"],
      ["HEALTHCHECK", "HEALTHCHECK requires at least one argument"],
      ["HEALTHCHECK foo", 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
      ["HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"],
      ["HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"],
      ["HEALTHCHECK --foo=1 CMD x", "unknown flag: --foo"],
      ["HEALTHCHECK --timeout CMD x", "missing a value on flag: --timeout"],
      ["HEALTHCHECK --retries=1 --retries=2 CMD x", "duplicate flag specified: --retries"],
      ["HEALTHCHECK --interval=1us CMD x", 'Interval "interval" cannot be less than 1ms'],
      ["HEALTHCHECK --interval=5 CMD x", 'time: missing unit in duration "5"'],
      ["HEALTHCHECK --interval=5y CMD x", 'time: unknown unit "y" in duration "5y"'],
      ["HEALTHCHECK --interval=x CMD x", 'time: invalid duration "x"'],
      ["HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"],
      ["HEALTHCHECK --retries=x CMD x", 'strconv.ParseInt: parsing "x": invalid syntax'],
      [
        "HEALTHCHECK --retries=9999999999 CMD x",
        'strconv.ParseInt: parsing "9999999999": value out of range',
      ],
      ["#escape=x\nUSER a", "invalid escape token 'x' does not match ` or \\"],
      ["#escape=`\n#escape=`\nUSER a", "only one escape parser directive can be used"],
      ["ONBUILD RUN <<EOF\nx", "unterminated heredoc"],
      [`USER ${"a".repeat(65_536)}`, "dockerfile line greater than max allowed size of 65535"],
    ];
    for (const [change, message] of cases) assert.equal(fault(change), message);
  });

  it("says which instructions there are", () => {
    const error = refused("CHANGE_INVALID", () => applyChanges({}, ["RUN x"]));
    assert.match(error.hint ?? "", /^Use CMD, .* or WORKDIR$/);
  });

  it("does not touch the given config, and builds on it", () => {
    const config = Object.freeze({
      Env: Object.freeze(["PATH=/bin", "A=1"]),
      Cmd: Object.freeze(["old"]),
      Labels: Object.freeze({ a: "1" }),
      ExposedPorts: Object.freeze({ "1/tcp": {} }),
      Volumes: Object.freeze({ "/old": {} }),
      OnBuild: Object.freeze(["x"]),
      WorkingDir: "/w",
      Shell: Object.freeze(["/bin/bash", "-ec"]),
      Hostname: "h",
    });
    const changes = [
      "ENV A=$A$A B=$PATH",
      "LABEL b=2",
      "EXPOSE 2",
      "VOLUME new",
      "ONBUILD y z",
      "WORKDIR sub",
      "ENTRYPOINT run me",
    ];
    assert.deepEqual(applyChanges(config, changes), {
      Env: ["PATH=/bin", "A=11", "B=/bin"],
      Labels: { a: "1", b: "2" },
      ExposedPorts: { "1/tcp": {}, "2/tcp": {} },
      Volumes: { "/old": {}, new: {} },
      OnBuild: ["x", "y z"],
      WorkingDir: "/w/sub",
      Entrypoint: ["/bin/bash", "-ec", "run me"],
      Shell: ["/bin/bash", "-ec"],
      Hostname: "h",
    });
    assert.equal(applyChanges(config, []), config);
  });

  it("lets ENTRYPOINT undo only a command that it did not come with", () => {
    const inherited = { Cmd: ["old"], Entrypoint: ["old"], ArgsEscaped: true };
    assert.deepEqual(applyChanges(inherited, ['ENTRYPOINT ["x"]']), { Entrypoint: ["x"] });
    assert.deepEqual(applyChanges(inherited, ["ENTRYPOINT []"]), {});
    assert.deepEqual(applyChanges(inherited, ['CMD ["a"]', 'ENTRYPOINT ["x"]']), {
      Cmd: ["a"],
      Entrypoint: ["x"],
    });
    assert.deepEqual(applyChanges(inherited, ['ENTRYPOINT ["x"]', 'CMD ["a"]']), {
      Cmd: ["a"],
      Entrypoint: ["x"],
    });
    assert.deepEqual(applyChanges(inherited, ["CMD []"]), { Cmd: [], Entrypoint: ["old"] });
  });

  it("cleans working folders as current Docker does", () => {
    const cases: readonly (readonly [change: string, path: string])[] = [
      ["WORKDIR /a//b/./c/../d/", "/a/b/d"],
      ["WORKDIR /../..", "/"],
      ["WORKDIR //", "/"],
      ["WORKDIR .", "/"],
      ["WORKDIR a/../..", "/"],
    ];
    for (const [change, path] of cases) {
      assert.equal(applyChanges({}, [change]).WorkingDir, path);
    }
  });

  it("drops the side of the host from ports", () => {
    for (const spec of [
      "80",
      "1:80",
      "1-9:80",
      "0.0.0.0:1:80",
      "[::1]:1:80",
      "fe80::1:1:80",
      "::80",
    ]) {
      assert.deepEqual(applyChanges({}, [`EXPOSE ${spec}`]).ExposedPorts, { "80/tcp": {} }, spec);
    }
  });

  it("takes signals by name, case and number", () => {
    for (const signal of ["TERM", "SIGTERM", "sigusr1", "9", "RTMIN+3", "SIGRTMAX-14", "99"]) {
      assert.equal(applyChanges({}, [`STOPSIGNAL ${signal}`]).StopSignal, signal);
    }
    for (const signal of ["RTMIN+16", "RTMAX-15", "SIGSIGTERM", "1.5", "RTMIN+0"]) {
      assert.equal(fault(`STOPSIGNAL ${signal}`), `invalid signal: ${signal}`);
    }
  });

  it("reads lengths of time", () => {
    const cases: readonly (readonly [text: string, ns: number])[] = [
      ["1ms", 1e6],
      ["1.5s", 1.5e9],
      ["0.57s", 570_000_000],
      ["1m30s", 90e9],
      ["2h45m", 9900e9],
      ["1h1m1s1ms1us1ns", 3661_001_001_001],
      ["+5s", 5e9],
      [".5s", 5e8],
      ["5.s", 5e9],
      ["1500\u00b5s", 1.5e6],
      ["0", 0],
      ["0s", 0],
    ];
    for (const [text, ns] of cases) {
      const { Healthcheck } = applyChanges({}, [`HEALTHCHECK --start-interval=${text} CMD x`]);
      assert.equal(Healthcheck?.StartInterval, ns, text);
    }
    for (const text of ["s", ".", "1", "1s2", "1 s", "1s s", "9999999999h", "1.2.3s", "-"]) {
      assert.match(fault(`HEALTHCHECK --interval="${text}" CMD x`), /^time: /, text);
    }
  });

  it("keeps here-documents of triggers", () => {
    const change = "ONBUILD RUN <<EOF <<-'two'\n  a\nEOF\n\tb\n\ttwo\nUSER me";
    assert.deepEqual(applyChanges({}, [change]), {
      OnBuild: ["RUN <<EOF <<-'two'\n  a\nEOF\n\tb\ntwo"],
      User: "me",
    });
    assert.deepEqual(applyChanges({}, ["ONBUILD USER <<EOF", "USER x"]).OnBuild, ["USER <<EOF"]);
    const unclosed = "ONBUILD RUN echo 'x <<EOF";
    assert.deepEqual(applyChanges({}, [unclosed]).OnBuild, ["RUN echo 'x <<EOF"]);
    assert.deepEqual(applyChanges({}, ["ONBUILD ARG a=1"]).OnBuild, ["ARG a=1"]);
    const plain = 'ONBUILD RUN ["<<EOF"]';
    assert.deepEqual(applyChanges({}, [plain]).OnBuild, ['RUN ["<<EOF"]']);
  });

  it("reads every value back that is quoted well", () => {
    const value = fc.string({ unit: "binary" }).map((text) => text.replace(/[\r\n\0]/g, ""));
    fc.assert(
      fc.property(value, (text) => {
        const single = `ENV a='${text.replaceAll("'", `'"'"'`)}'`;
        const double = `ENV a="${text.replace(/["\\$]/g, "\\$&")}"`;
        for (const change of [single, double]) {
          // A backslash at the end of a line joins it to the next one.
          assert.deepEqual(applyChanges({}, [`${change} b=`]).Env, [`a=${text}`, "b="]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("does not run out of stack", () => {
    assert.match(fault(`ENV a=${"${b:-".repeat(10_000)}`), /substitutions may be nested 100 deep/);
    const nested = `${"${b:-".repeat(100)}x${"}".repeat(100)}`;
    assert.deepEqual(applyChanges({}, [`ENV a=${nested} c=${nested}`]).Env, ["a=x", "c=x"]);
    assert.match(fault("ONBUILD ".repeat(8000)), /^Chaining ONBUILD/);
    assert.equal(applyChanges({}, [`CMD ${"[".repeat(60_000)}`]).Cmd?.length, 3);
  });

  it("takes any text or refuses it", () => {
    const piece = fc.constantFrom(
      ..."ENV CMD LABEL EXPOSE ONBUILD WORKDIR USER VOLUME HEALTHCHECK a=b $ { } ' \" \\ \n # = [ ] 80 << / : - --x".split(
        " ",
      ),
      " ",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join("")),
      fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(" ")),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3 }), (changes) => {
        const result = resultOrRefusal(() => applyChanges({}, changes));
        if (isLadeError(result)) assert.equal(result.code, "CHANGE_INVALID");
      }),
      { numRuns: 3000 },
    );
  });
});
