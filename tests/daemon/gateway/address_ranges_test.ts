import assert from "node:assert/strict";
import { addressRanges } from "../../../daemon/gateway/address_ranges.ts";

Deno.test("addressRanges() knows what is inside", () => {
  const trusted = addressRanges(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"], "X");
  for (const address of ["10.1.2.3", "192.0.2.7", "2001:db8::1"]) {
    assert.ok(trusted(address), address);
  }
  for (const address of ["11.0.0.1", "192.0.2.8", "2001:db9::1", ""]) {
    assert.ok(!trusted(address), address);
  }
});

for (const range of ["x", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/", "::/129"]) {
  Deno.test(`addressRanges() refuses ${range}`, () => {
    assert.throws(() => addressRanges([range], "MAEL_TRUSTED_PROXIES"), {
      message: `Cannot use MAEL_TRUSTED_PROXIES: "${range}" is not an address or range`,
    });
  });
}
