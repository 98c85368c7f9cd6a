// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ListImagesOptions } from "../../src/engine/types.ts";
import { run } from "./fake-context.ts";

/** What the engine is asked for, and how the list is shown, tell how a command line was read. */
async function read(...argv: string[]) {
  let got: ListImagesOptions | undefined;
  const listImages = async (_engine: unknown, options: ListImagesOptions) => {
    got = options;
    return [];
  };
  return { ...(await run(argv, { useCases: { listImages } })), got };
}

const imagesUsage =
  "\n\nUsage:  lade images [OPTIONS] [REPOSITORY[:TAG]]\n\n" +
  "Run 'lade images --help' for more information\n";

const optionErrors: [string[], string][] = [
  [["--foo"], "unknown flag: --foo"],
  [["--foo=x"], "unknown flag: --foo"],
  [["--digest"], "unknown flag: --digest"],
  [["-z"], "unknown shorthand flag: 'z' in -z"],
  [["-qz"], "unknown shorthand flag: 'z' in -z"],
  [["-o="], "unknown shorthand flag: 'o' in -o="],
  [["-="], "unknown shorthand flag: '=' in -="],
  [["-q-f"], "unknown shorthand flag: '-' in --f"],
  [["---x"], "bad flag syntax: ---x"],
  [["--=x"], "bad flag syntax: --=x"],
  [["-f"], "flag needs an argument: 'f' in -f"],
  [["-qf"], "flag needs an argument: 'f' in -f"],
  [["--format"], "flag needs an argument: --format"],
  [
    ["--no-trunc=foo"],
    'invalid argument "foo" for "--no-trunc" flag: strconv.ParseBool: parsing "foo": invalid syntax',
  ],
  [
    ["-q=false="],
    'invalid argument "false=" for "-q, --quiet" flag: strconv.ParseBool: parsing "false=": invalid syntax',
  ],
  [
    ["-qfx"],
    'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)',
  ],
  [["--help", "--foo"], "unknown flag: --foo"],
  [["-D"], "unknown shorthand flag: 'D' in -D"],
];

for (const [argv, message] of optionErrors) {
  test(`images ${argv.join(" ")} fails as docker does`, async () => {
    const { code, stdout, stderr, opened } = await read("images", ...argv);
    assert.equal(stderr, message + imagesUsage);
    assert.equal(stdout, "");
    assert.equal(code, 125);
    assert.deepEqual(opened, []);
  });
}

const operandErrors: [string[], string][] = [
  [
    ["save"],
    "lade: 'lade save' requires at least 1 argument\n\n" +
      "Usage:  lade save [OPTIONS] IMAGE [IMAGE...]\n\nSee 'lade save --help' for more information",
  ],
  [
    ["image", "remove"],
    "lade: 'lade image rm' requires at least 1 argument\n\n" +
      "Usage:  lade image rm [OPTIONS] IMAGE [IMAGE...]\n\n" +
      "See 'lade image rm --help' for more information",
  ],
  [
    ["images", "a", "b"],
    "lade: 'lade images' requires at most 1 argument\n\n" +
      "Usage:  lade images [OPTIONS] [REPOSITORY[:TAG]]\n\n" +
      "Run 'lade images --help' for more information",
  ],
  [
    ["tag", "a", "-x", "b"],
    "lade: 'lade tag' requires 2 arguments\n\n" +
      "Usage:  lade tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]\n\n" +
      "Run 'lade tag --help' for more information",
  ],
  [
    ["history"],
    "lade: 'lade history' requires 1 argument\n\nUsage:  lade history [OPTIONS] IMAGE\n\n" +
      "Run 'lade history --help' for more information",
  ],
  [
    ["load", "x"],
    "lade: 'lade load' accepts no arguments\n\nUsage:  lade load [OPTIONS]\n\n" +
      "Run 'lade load --help' for more information",
  ],
  [
    ["import", "a", "b", "c"],
    "lade: 'lade import' requires at most 2 arguments\n\n" +
      "Usage:  lade import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]\n\n" +
      "Run 'lade import --help' for more information",
  ],
  [["foo"], "lade: unknown command: lade foo\n\nRun 'lade --help' for more information"],
  [
    ["image", "foo", "--bar"],
    "lade: unknown command: lade image foo\n\nUsage:  lade image\n\n" +
      "Run 'lade image --help' for more information",
  ],
  [["help", "foo"], "unknown help topic: foo"],
];

for (const [argv, message] of operandErrors) {
  test(`${argv.join(" ")} fails as docker does`, async () => {
    const { code, stderr } = await read(...argv);
    assert.equal(stderr, `${message}\n`);
    assert.equal(code, 1);
  });
}

test("options of lade and of a group fail as docker's do", async () => {
  const root = await read("--foo", "images");
  assert.equal(
    root.stderr,
    "unknown flag: --foo\n\nUsage:  lade [OPTIONS] COMMAND [ARG...]\n\n" +
      "Run 'lade --help' for more information\n",
  );
  assert.equal(root.code, 125);
  const group = await read("image", "--foo", "ls");
  assert.equal(
    group.stderr,
    "unknown flag: --foo\n\nUsage:  lade image\n\nRun 'lade image --help' for more information\n",
  );
  assert.equal(group.code, 125);
});

test("an option's value stands behind it in every way that pflag knows", async () => {
  const spellings = [
    ["-f", "a=b"],
    ["-fa=b"],
    ["-f=a=b"],
    ["-qf", "a=b"],
    ["-qfa=b"],
    ["-qf=a=b"],
    ["--filter", "a=b"],
    ["--filter=a=b"],
  ];
  for (const spelling of spellings) {
    for (const argv of [
      ["x", ...spelling],
      [...spelling, "x"],
      [...spelling, "--", "x"],
    ]) {
      const { got, stderr } = await read("images", ...argv);
      assert.equal(stderr, "");
      assert.deepEqual(got?.filters, [{ key: "a", value: "b" }], argv.join(" "));
      assert.equal(got?.pattern, "x");
    }
  }
});

test("a value may start with a dash", async () => {
  assert.deepEqual((await read("images", "--filter", "--a=b")).got?.filters, [
    { key: "--a", value: "b" },
  ]);
});

test("options repeat: lists grow, the last of others wins", async () => {
  const { got } = await read("images", "-f", "a=1", "-a", "-f", "b=2", "--all=false");
  assert.deepEqual(got?.filters, [
    { key: "a", value: "1" },
    { key: "b", value: "2" },
  ]);
  assert.equal(got?.all, false);
});

test("Go's words for true and false", async () => {
  for (const word of ["1", "t", "T", "TRUE", "true", "True"]) {
    assert.equal((await read("images", `--all=${word}`)).got?.all, true);
  }
  for (const word of ["0", "f", "F", "FALSE", "false", "False"]) {
    assert.equal((await read("images", `-a=${word}`)).got?.all, false);
  }
});

test("a lone dash and what follows -- are operands", async () => {
  assert.equal((await read("images", "-")).got?.pattern, "-");
  assert.equal((await read("images", "--", "-a")).got?.pattern, "-a");
  assert.equal((await read("--", "images", "x")).got?.pattern, "x");
});

test("every spelling of a command runs it", async () => {
  for (const path of [["images"], ["image", "ls"], ["image", "list"]]) {
    assert.deepEqual((await read(...path, "x")).got?.pattern, "x");
  }
});

test("--platform takes several, by commas or by repeating", async () => {
  let platforms: unknown;
  const saveImages = async (_engine: unknown, options: { platforms: unknown }) => {
    platforms = options.platforms;
  };
  const argv = ["save", "--platform", "linux/amd64,linux/arm64", "--platform=linux/386", "x"];
  await run(argv, { useCases: { saveImages } });
  assert.deepEqual(platforms, ["linux/amd64", "linux/arm64", "linux/386"]);
});

test("no words make the reading of arguments crash", async () => {
  const word = fc.oneof(
    fc.constantFrom("images", "image", "ls", "save", "--", "-", "-q", "--filter", "-f", "a=b"),
    fc.string({ maxLength: 6 }),
    fc.string({ maxLength: 4 }).map((text) => `-${text}`),
    fc.string({ maxLength: 4 }).map((text) => `--${text}`),
  );
  const useCases = { listImages: async () => [], saveImages: async () => undefined };
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
      const { code, stderr } = await run(["images", ...words], { useCases });
      assert.ok([0, 1, 64, 125].includes(code));
      assert.ok(!stderr.includes("internal error"), stderr);
    }),
    { numRuns: 300 },
  );
});
