import assert from "node:assert/strict";
import { putLatest, versionOrZero } from "../../cli/put.ts";
import { type ErrorCode, MaelstromError } from "../../lib/errors.ts";

for (const code of ["stale_version", "already_exists"] as const) {
  Deno.test(`putLatest() looks again after ${code}, three times at most`, async () => {
    const versions = [4, 5, 6, 7, 8];
    const puts: number[] = [];
    const failing = (failures: number) => ({
      currentVersion: () => Promise.resolve(versions[puts.length]!),
      put: (version: number) =>
        puts.push(version) <= failures ? Promise.reject(error(code)) : Promise.resolve("done"),
    });
    assert.equal(await putLatest(failing(3)), "done");
    assert.deepEqual(puts, [4, 5, 6, 7]);
    puts.length = 0;
    await assert.rejects(putLatest(failing(9)), { code });
    assert.equal(puts.length, 4);
  });
}

Deno.test("putLatest() does not put again after any other failure", async () => {
  let puts = 0;
  const put = () => (puts++, Promise.reject(error("unreachable")));
  await assert.rejects(putLatest({ currentVersion: () => Promise.resolve(1), put }), {
    code: "unreachable",
  });
  assert.equal(puts, 1);
});

Deno.test("versionOrZero() is 0 only for what does not exist", async () => {
  assert.equal(await versionOrZero(Promise.resolve(3)), 3);
  assert.equal(await versionOrZero(Promise.reject(error("not_found"))), 0);
  await assert.rejects(versionOrZero(Promise.reject(error("internal"))), { code: "internal" });
});

function error(code: ErrorCode): MaelstromError {
  return new MaelstromError(code, "Cannot");
}
