// SPDX-License-Identifier: Apache-2.0

/** How values of options are read; docker's own client judges whole lines in another test. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  checkMacAddress,
  isAddress,
  parseAddress,
  parseExtraHost,
  parseSearchDomain,
} from "../../../src/cli/container-flags/addresses.ts";
import { parseCsv } from "../../../src/cli/container-flags/csv.ts";
import { parseDevice } from "../../../src/cli/container-flags/devices.ts";
import type { FlagHost } from "../../../src/cli/container-flags/flag-host.ts";
import { readPairs, toMap } from "../../../src/cli/container-flags/key-values.ts";
import { parseUlimit } from "../../../src/cli/container-flags/limits.ts";
import { parseMount } from "../../../src/cli/container-flags/mounts.ts";
import { networkSettings, parseNetwork } from "../../../src/cli/container-flags/networks.ts";
import { parsePorts } from "../../../src/cli/container-flags/ports.ts";
import {
  parseCapabilities,
  parseSecurityOptions,
} from "../../../src/cli/container-flags/security.ts";
import { parseVolumes } from "../../../src/cli/container-flags/volumes.ts";
import {
  parseBoolean,
  parseInteger,
  parseNanoCpus,
  parseRamBytes,
} from "../../../src/cli/go-numbers.ts";
import { InvalidValue } from "../../../src/cli/invalid-value.ts";

/** A machine with these files, whose working folder is /here. */
function hostWith(files: Readonly<Record<string, string>> = {}): FlagHost {
  return {
    env: { SET: "value", EMPTY: "" },
    readFile(path) {
      const text = files[path];
      if (text === undefined) throw new InvalidValue(`open ${path}: no such file or directory`);
      return Buffer.from(text);
    },
    absolute: (path) => (path === "." ? "/here" : `/here/${path.replace(/^\.\//, "")}`),
  };
}

const refuses = (work: () => unknown, message: string) => {
  assert.throws(work, (error) => error instanceof InvalidValue && error.message === message);
};

test("whole numbers are Go's", () => {
  const int64 = { bits: 64 } as const;
  const cases: [string, number][] = [
    ["0", 0],
    ["-1", -1],
    ["+7", 7],
    ["0x1F", 31],
    ["0b101", 5],
    ["017", 15],
    ["0o17", 15],
    ["1_000", 1000],
    ["0x_1f", 31],
  ];
  for (const [text, value] of cases) assert.equal(parseInteger(text, int64), value, text);
  for (const text of ["", "x", "1.5", "08", "1__0", "_1", "1_", "0x", " 1", "1e3"]) {
    refuses(
      () => parseInteger(text, int64),
      `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  refuses(
    () => parseInteger("9223372036854775808", int64),
    'strconv.ParseInt: parsing "9223372036854775808": value out of range',
  );
  refuses(
    () => parseInteger("65536", { bits: 16, isUnsigned: true }),
    'strconv.ParseUint: parsing "65536": value out of range',
  );
  refuses(
    () => parseInteger("0x10", { bits: 64, isDecimal: true }),
    'strconv.ParseInt: parsing "0x10": invalid syntax',
  );
  refuses(() => parseBoolean("yes"), 'strconv.ParseBool: parsing "yes": invalid syntax');
});

test("sizes are powers of 1024", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["1024", 1024],
    ["1k", 1024],
    ["1KB", 1024],
    ["1KiB", 1024],
    ["1 m", 1024 ** 2],
    ["1.5g", 1.5 * 1024 ** 3],
    ["2T", 2 * 1024 ** 4],
    ["1p", 1024 ** 5],
    ["7b", 7],
    ["1e3k", 1_024_000],
    [".5k", 512],
  ];
  for (const [text, size] of cases) assert.equal(parseRamBytes(text), size, text);
  refuses(() => parseRamBytes(""), "invalid size: ''");
  refuses(() => parseRamBytes("k"), "invalid size: 'k'");
  refuses(() => parseRamBytes("-5"), "invalid size: '-5'");
  refuses(() => parseRamBytes("1x"), "invalid suffix: 'x'");
  refuses(() => parseRamBytes("1kbb"), "invalid suffix: 'kbb'");
  refuses(() => parseRamBytes("1mibi"), "invalid suffix: 'mibi'");
  refuses(() => parseRamBytes("1.2.3"), 'strconv.ParseFloat: parsing "1.2.3": invalid syntax');
  refuses(() => parseRamBytes("1e30"), "invalid size: '1e30'");
});

test("CPUs are counted in billionths", () => {
  assert.equal(parseNanoCpus("1.5"), 1_500_000_000);
  assert.equal(parseNanoCpus("0.000000001"), 1);
  assert.equal(parseNanoCpus("3/2"), 1_500_000_000);
  assert.equal(parseNanoCpus("-2"), -2_000_000_000);
  refuses(() => parseNanoCpus("0.0000000001"), "value is too precise");
  refuses(() => parseNanoCpus("1/3"), "value is too precise");
  refuses(() => parseNanoCpus(""), "failed to parse  as a rational number");
  refuses(() => parseNanoCpus("1/0"), "failed to parse 1/0 as a rational number");
  refuses(() => parseNanoCpus("."), "failed to parse . as a rational number");
});

test("comma-separated values are Go's", () => {
  const cases: [string, string[]][] = [
    ["a", ["a"]],
    ["a,b,", ["a", "b", ""]],
    [",", ["", ""]],
    ['"a,b",c', ["a,b", "c"]],
    ['"a""b"', ['a"b']],
    ['""', [""]],
    ["a\nb", ["a"]],
    ["\n\nb", ["b"]],
  ];
  for (const [text, fields] of cases) assert.deepEqual(parseCsv(text), fields, text);
  refuses(() => parseCsv(""), "EOF");
  refuses(() => parseCsv('ä"b'), 'parse error on line 1, column 3: bare " in non-quoted-field');
  refuses(
    () => parseCsv('"a"b'),
    'parse error on line 1, column 3: extraneous or missing " in quoted-field',
  );
});

test("ports are put side by side", () => {
  const both = (publish: string[], expose: string[] = []) => {
    const { exposed, bindings } = parsePorts(publish, expose);
    return { exposed: Object.keys(exposed), bindings };
  };
  assert.deepEqual(both(["8000-8001:80-81/udp", "[::1]::80"], ["90-91"]), {
    exposed: ["80/udp", "81/udp", "80/tcp", "90/tcp", "91/tcp"],
    bindings: {
      "80/udp": [{ HostIp: "", HostPort: "8000" }],
      "81/udp": [{ HostIp: "", HostPort: "8001" }],
      "80/tcp": [{ HostIp: "::1", HostPort: "" }],
    },
  });
  assert.deepEqual(both(["8000-8010:80"]).bindings, {
    "80/tcp": [{ HostIp: "", HostPort: "8000-8010" }],
  });
  refuses(() => parsePorts(["80:"], []), "no port specified: 80:<empty>");
  refuses(() => parsePorts(["1.2.3.4.5:80:80"], []), "invalid IP address: 1.2.3.4.5");
  refuses(
    () => parsePorts(["1-2:3-5"], []),
    "invalid ranges specified for container and host Ports: 3-5 and 1-2",
  );
});

test("volumes have a source or none", () => {
  const volumes = parseVolumes(["/a", "name:/b", "./rel:/c:ro", "/a"], hostWith());
  assert.deepEqual(volumes, {
    binds: ["name:/b", "/here/rel:/c:ro"],
    anonymous: { "/a": {} },
  });
  refuses(
    () => parseVolumes(["/a::/b"], hostWith()),
    "invalid spec: /a::/b: empty section between colons",
  );
});

test("mounts are made of fields", () => {
  assert.deepEqual(parseMount("type=bind,src=.,dst=/b,ro,bind-propagation=RShared", hostWith()), {
    Type: "bind",
    Source: "/here",
    Target: "/b",
    ReadOnly: true,
    BindOptions: { Propagation: "rshared" },
  });
  assert.deepEqual(parseMount("type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777", hostWith()), {
    Type: "tmpfs",
    Target: "/t",
    TmpfsOptions: { SizeBytes: 1024 ** 2, Mode: 0o1777 },
  });
  refuses(
    () => parseMount("type=image,src=a,dst=/b", hostWith()),
    "mounts of type image are not supported",
  );
  refuses(
    () => parseMount("type=foo,dst=/b", hostWith()),
    'invalid mount config for type "foo": mount type unknown',
  );
});

test("networks are named plainly or with fields", () => {
  const options = {
    networks: [],
    aliases: [],
    links: [],
    linkLocalIps: [],
    ip: "",
    ip6: "",
    macAddress: "",
  };
  const settings = (...texts: string[]) =>
    networkSettings({ ...options, networks: texts.map(parseNetwork) });
  assert.deepEqual(settings(), { mode: "default", endpoints: { default: {} } });
  assert.deepEqual(settings("mine"), { mode: "mine", endpoints: {} });
  assert.deepEqual(settings("name=mine,alias=a,ip=10.0.0.9", "other"), {
    mode: "mine",
    endpoints: {
      mine: { Aliases: ["a"], IPAMConfig: { IPv4Address: "10.0.0.9" } },
      other: {},
    },
  });
  refuses(
    () => settings("host", "mine"),
    "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
  );
  refuses(() => parseNetwork("name=a,gw-priority=1"), "gw-priority is not supported");
});

test("files of variables have lines, comments and names that are inherited", () => {
  const read = (text: string, isEnvironment = true) =>
    readPairs({ files: ["f"], pairs: ["LAST=1"], isEnvironment }, hostWith({ f: text }));
  assert.deepEqual(read("\ufeffA=1\r\n#x\n\n \tB= two \nSET\nEMPTY\nGONE\nC='q'"), [
    "A=1",
    "B= two ",
    "SET=value",
    "EMPTY=",
    "C='q'",
    "LAST=1",
  ]);
  assert.deepEqual(read("A=1\nSET\n", false), ["A=1", "LAST=1"]);
  refuses(() => read("A B=1"), "invalid env file (f): variable 'A B' contains whitespaces");
  refuses(() => read("=1"), "invalid env file (f): no variable name on line '=1'");
  refuses(
    () => read(`A=${"x".repeat(70_000)}`),
    "invalid env file (f): bufio.Scanner: token too long",
  );
  assert.deepEqual(toMap(["a=1", "b", "a=2=3"]), { a: "2=3", b: "" });
});

test("addresses are Go's", () => {
  assert.equal(parseAddress("2001:0DB8:0::1"), "2001:db8::1");
  assert.equal(parseAddress("::ffff:1.2.3.4"), "1.2.3.4");
  for (const text of ["01.2.3.4", "1.2.3", "::1%eth0", "[::1]", ""]) assert.ok(!isAddress(text));
  assert.equal(parseExtraHost("a=[::1]"), "a:::1");
  assert.equal(parseSearchDomain("example.com."), "example.com");
  refuses(() => parseSearchDomain("a".repeat(300)), `${"a".repeat(300)} is not a valid domain`);
  for (const mac of ["02:42:ac:11:00:02", "02-42-AC-11-00-02", "0242.ac11.0002"]) {
    checkMacAddress(mac);
  }
  refuses(() => checkMacAddress("02:42"), "02:42 is not a valid mac address");
});

test("devices, limits, capabilities and profiles", () => {
  assert.deepEqual(parseDevice("/dev/a:/dev/b:rw"), {
    PathOnHost: "/dev/a",
    PathInContainer: "/dev/b",
    CgroupPermissions: "rw",
  });
  assert.deepEqual(parseUlimit("nofile=1:2"), { Name: "nofile", Soft: 1, Hard: 2 });
  assert.deepEqual(parseCapabilities(["net_admin", "CAP_CHOWN", "all", " chown "]), [
    "ALL",
    "CAP_CHOWN",
    "CAP_NET_ADMIN",
  ]);
  const host = hostWith({ p: '{ "a" : "b \\" c" ,\n"d": [ 1 ] }' });
  assert.deepEqual(parseSecurityOptions(["seccomp=p", "systempaths=unconfined"], host), {
    options: ['seccomp={"a":"b \\" c","d":[1]}'],
    isUnconfined: true,
  });
  refuses(
    () => parseSecurityOptions(["seccomp=none"], host),
    "opening seccomp profile (none) failed: open none: no such file or directory",
  );
});

test("no text makes the reading of a value crash", () => {
  const host = hostWith();
  const parsers: ((text: string) => unknown)[] = [
    (text) => parseInteger(text, { bits: 64 }),
    parseRamBytes,
    parseNanoCpus,
    parseCsv,
    parseAddress,
    parseExtraHost,
    parseSearchDomain,
    parseDevice,
    parseUlimit,
    parseNetwork,
    (text) => parseMount(text, host),
    (text) => parsePorts([text], []),
    (text) => parsePorts([], [text]),
    (text) => parseVolumes([text], host),
    (text) => parseSecurityOptions([text], host),
  ];
  const piece = fc.constantFrom(
    ...["=", ":", ",", "-", "/", '"', ".", "[", "]", " ", "\n", "\0", "ä", "1", "0x", "9e9"],
    ...["type", "bind", "name", "seccomp", "dst", "nofile", "udp", "::1", "k", "99999999999"],
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, fc.constantFrom(...parsers), (value, parse) => {
      try {
        parse(value);
      } catch (error) {
        assert.ok(error instanceof InvalidValue, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
