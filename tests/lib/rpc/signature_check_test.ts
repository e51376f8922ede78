import assert from "node:assert/strict";
import fc from "fast-check";
import { Nonces } from "../../../lib/rpc/nonces.ts";
import {
  digestOf,
  newNonce,
  sign,
  type SignedWords,
  signingKey,
} from "../../../lib/rpc/signature.ts";
import { SignatureCheck } from "../../../lib/rpc/signature_check.ts";

const key = await signingKey("0123456789abcdef");
const digest = await digestOf("");
const request = { method: "GET", target: "/_mael/logs" };
const START_MS = Date.UTC(2024, 4, 1, 12);

/** A node that started an hour ago, and a way to sign for it. */
function setUp({ startMs = START_MS - 3600_000, noncesMax = 100 } = {}) {
  let nowMs = startMs;
  const check = new SignatureCheck({ key, nodeId: "node-1", now: () => nowMs, noncesMax });
  nowMs = START_MS;
  const field = (parts: Partial<SignedWords> = {}) =>
    sign(key, request, { by: "cli", atMs: nowMs, nonce: newNonce(), digest, ...parts });
  return {
    field,
    take: async (given: string | Promise<string>) => await check.check(request, await given),
    pass: (ms: number) => nowMs += ms,
  };
}

Deno.test("SignatureCheck.check() takes a request once", async () => {
  const { take, field } = setUp();
  const signed = await field();
  assert.equal((await take(signed)).by, "cli");
  await assert.rejects(take(signed), {
    code: "not_allowed",
    message: "Cannot accept the signature: the request was received before",
  });
});

Deno.test("SignatureCheck.check() takes one of two that arrive together", async () => {
  const { take, field } = setUp();
  const signed = await field();
  const both = await Promise.allSettled([take(signed), take(signed)]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
});

for (const [offMs, want] of [[-60_001, 0], [-60_000, 1], [0, 1], [60_000, 1], [60_001, 0]]) {
  Deno.test(`SignatureCheck.check() ${want ? "takes" : "refuses"} a clock ${offMs} ms off`, async () => {
    const { take, field } = setUp();
    const taken = take(field({ atMs: START_MS + offMs! }));
    if (want) return void await taken;
    const theirs = new Date(START_MS + offMs!).toISOString();
    await assert.rejects(taken, {
      code: "not_allowed",
      message: `Cannot accept the signature: it says ${theirs}, this node's clock says ` +
        "2024-05-01T12:00:00.000Z, more than 60 s apart; set the clocks of both machines",
    });
  });
}

Deno.test("SignatureCheck.check() refuses any time and place of a replay", async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: -60_000, max: 60_000 }),
    fc.array(fc.nat(40_000), { maxLength: 8 }),
    async (offMs, waits) => {
      const { take, field, pass } = setUp();
      const signed = await field({ atMs: START_MS + offMs });
      await take(signed);
      for (const wait of waits) {
        pass(wait);
        // Others come and go meanwhile.
        await take(field());
        await assert.rejects(take(signed), { code: "not_allowed" });
      }
    },
  );
  await fc.assert(property);
});

Deno.test("SignatureCheck.check() refuses what was signed before the node started", async () => {
  const { take, field } = setUp({ startMs: START_MS });
  await take(field({ atMs: START_MS }));
  await assert.rejects(take(field({ atMs: START_MS - 1 })), {
    code: "not_allowed",
    message: /signed before this node started at 2024-05-01T12:00:00\.000Z; try again$/,
  });
});

Deno.test("SignatureCheck.check() refuses what is meant for another node", async () => {
  const { take, field } = setUp();
  assert.equal((await take(field({ to: "node-1" }))).to, "node-1");
  await assert.rejects(take(field({ to: "node-2" })), {
    code: "not_allowed",
    message: /meant for node "node-2", this is "node-1"$/,
  });
});

Deno.test("SignatureCheck.check() refuses more than it can remember, and then takes again", async () => {
  const { take, field, pass } = setUp({ noncesMax: 3 });
  const first = await field();
  await take(first);
  for (let i = 0; i < 2; i++) await take(field());
  await assert.rejects(take(field()), { code: "queue_full", message: /too many signed requests/ });
  await assert.rejects(take(first), { message: /received before/ });
  pass(62_000);
  await take(field());
});

Deno.test("SignatureCheck.check() does not remember what it refuses", async () => {
  const { take, field } = setUp({ noncesMax: 1 });
  for (const atMs of [0, START_MS + 90_000]) await assert.rejects(take(field({ atMs })));
  await assert.rejects(take((await field()).replace(/.$/, "!")));
  await take(field());
});

Deno.test("Nonces forgets nothing early and everything late", () => {
  const property = fc.property(
    fc.array(fc.record({ offMs: fc.integer({ min: -60, max: 60 }), wait: fc.nat(90) })),
    (steps) => {
      const nonces = new Nonces(60_000, 1e6);
      let nowMs = START_MS;
      const added: [string, number][] = [];
      for (const [i, { offMs, wait }] of steps.entries()) {
        nowMs += wait * 1000;
        const atMs = nowMs + offMs * 1000;
        assert.equal(nonces.add(String(i), atMs, nowMs), "fresh");
        added.push([String(i), atMs]);
        for (const [nonce, at] of added.filter(([, at]) => at + 60_000 >= nowMs)) {
          assert.equal(nonces.add(nonce, at, nowMs), "seen");
        }
      }
    },
  );
  fc.assert(property);
});
