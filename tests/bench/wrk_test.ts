import assert from "node:assert/strict";
import { parseWrk } from "./wrk.ts";

const PLAIN = `Running 3s test @ http://127.0.0.1:18999/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.20ms    0.40ms  12.51ms   86.32%
    Req/Sec    50.28k     1.66k   52.03k    70.00%
  150642 requests in 3.01s, 20.50MB read
Requests/sec:  50047.18
Transfer/sec:      6.81MB
`;

const BROKEN = PLAIN.replace(
  "Requests/sec",
  "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\nRequests/sec",
);

Deno.test("parseWrk() throws on anything but a summary", () => {
  assert.throws(() => parseWrk("unable to connect to 127.0.0.1:1"), /unable to connect/);
});

Deno.test("parseWrk() reads requests, time, rate and bytes", () => {
  assert.deepEqual(parseWrk(PLAIN), {
    requests: 150642,
    seconds: 3.01,
    requestsPerSecond: 50047.18,
    bytesRead: 20.5 * 1024 * 1024,
    errors: 0,
  });
});

Deno.test("parseWrk() adds up errors of every kind", () => {
  assert.equal(parseWrk(BROKEN).errors, 15);
});

for (const [unit, bytes] of [["B", 1], ["KB", 2 ** 10], ["GB", 2 ** 30]] as const) {
  Deno.test(`parseWrk() reads sizes in ${unit}`, () => {
    assert.equal(parseWrk(PLAIN.replace("20.50MB", `2.00${unit}`)).bytesRead, 2 * bytes);
  });
}
