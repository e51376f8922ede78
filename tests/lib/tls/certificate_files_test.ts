import assert from "node:assert/strict";
import { createLog } from "../../../lib/log.ts";
import { CertificateFiles } from "../../../lib/tls/certificate_files.ts";
import type { CertificateSet } from "../../../lib/tls/certificates.ts";
import { within } from "../../support/http/raw.ts";
import { makePair, TestDirectory } from "../../support/tls/certificates.ts";

/** A log whose lines can be waited for. */
function waitingLog() {
  const lines: string[] = [];
  let wake = () => {};
  const log = createLog({
    level: "debug",
    format: "text",
    write: (line) => {
      lines.push(line);
      wake();
    },
  });
  const has = async (text: string) => {
    while (!lines.some((line) => line.includes(text))) {
      await new Promise<void>((resolve) => wake = resolve);
    }
  };
  return { log, lines, has: (text: string) => within(has(text), `"${text}" in the log`) };
}

function nextSet(files: CertificateFiles): Promise<CertificateSet> {
  return within(
    new Promise<CertificateSet>((resolve) => {
      const stop = files.subscribe((set) => {
        stop();
        resolve(set);
      });
    }),
    "a new set",
  );
}

Deno.test("CertificateFiles.open() names a file that is missing", async () => {
  await using directory = await TestDirectory.make();
  const { certFile } = await makePair(directory.path, "a", ["DNS:a.test"]);
  const { log } = waitingLog();
  await assert.rejects(
    CertificateFiles.open([{ certFile, keyFile: `${directory.path}/none.key` }], { log }),
    { code: "invalid", message: /^Cannot read key file ".*none\.key": / },
  );
});

Deno.test("CertificateFiles.open() refuses a key of another certificate", async () => {
  await using directory = await TestDirectory.make();
  const { certFile } = await makePair(directory.path, "a", ["DNS:a.test"]);
  const { keyFile } = await makePair(directory.path, "b", ["DNS:b.test"]);
  const { log } = waitingLog();
  await assert.rejects(CertificateFiles.open([{ certFile, keyFile }], { log }), {
    code: "invalid",
    message: /its key belongs to another certificate$/,
  });
});

Deno.test("CertificateFiles sees files that were replaced by renaming", async () => {
  await using directory = await TestDirectory.make();
  const pair = await makePair(directory.path, "a", ["DNS:old.test"]);
  const { log } = waitingLog();
  await using files = await CertificateFiles.open([pair], { log });
  const changed = nextSet(files);
  await Deno.mkdir(`${directory.path}/new`);
  const next = await makePair(`${directory.path}/new`, "a", ["DNS:new.test"]);
  await Deno.rename(next.keyFile, pair.keyFile);
  await Deno.rename(next.certFile, pair.certFile);
  assert.deepEqual((await changed).default.names, ["new.test"]);
  assert.deepEqual(files.current.default.names, ["new.test"]);
});

Deno.test("CertificateFiles sees on its timer what no event tells: a link into elsewhere", async () => {
  await using directory = await TestDirectory.make();
  const live = `${directory.path}/live`;
  await Deno.mkdir(live);
  await Deno.mkdir(`${directory.path}/archive`);
  const target = await makePair(`${directory.path}/archive`, "a", ["DNS:old.test"]);
  const linked = { certFile: `${live}/a.crt`, keyFile: `${live}/a.key` };
  await Deno.symlink(target.certFile, linked.certFile);
  await Deno.symlink(target.keyFile, linked.keyFile);
  const { log } = waitingLog();
  await using files = await CertificateFiles.open([linked], { log, everyMs: 10 });
  const changed = nextSet(files);
  await makePair(`${directory.path}/archive`, "a", ["DNS:new.test"]);
  assert.deepEqual((await changed).default.names, ["new.test"]);
});

Deno.test("CertificateFiles keeps the old certificate when the new one is broken", async () => {
  await using directory = await TestDirectory.make();
  const pair = await makePair(directory.path, "a", ["DNS:a.test"]);
  const good = await Deno.readTextFile(pair.certFile);
  const { log, lines, has } = waitingLog();
  await using files = await CertificateFiles.open([pair], { log, everyMs: 5 });
  await Deno.writeTextFile(pair.certFile, "junk");
  await has("not a PEM certificate");
  assert.deepEqual(files.current.default.names, ["a.test"]);
  await Deno.remove(pair.certFile);
  await has("Cannot read certificate file");
  assert.deepEqual(files.current.default.names, ["a.test"]);
  const back = nextSet(files);
  await Deno.writeTextFile(pair.certFile, good);
  assert.deepEqual((await back).default.names, ["a.test"]);
  assert.ok(lines.filter((line) => line.includes("kept the old")).length <= 4, lines.join("\n"));
});
