import assert from "node:assert/strict";
import { portBindings } from "../../../daemon/converger/ports.ts";

const at = (HostPort: string, HostIp = "") => ({ HostIp, HostPort });
const cases = {
  "80": { "80/tcp": [at("")] },
  "8080:80": { "80/tcp": [at("8080")] },
  "127.0.0.1:8080:80": { "80/tcp": [at("8080", "127.0.0.1")] },
  "127.0.0.1::80": { "80/tcp": [at("", "127.0.0.1")] },
  "[::1]:53:53/udp": { "53/udp": [at("53", "::1")] },
  "7000-7001:8000-8001": { "8000/tcp": [at("7000")], "8001/tcp": [at("7001")] },
  "8000-8001": { "8000/tcp": [at("")], "8001/tcp": [at("")] },
};

for (const [spec, want] of Object.entries(cases)) {
  Deno.test(`portBindings() reads ${spec}`, () => assert.deepEqual(portBindings([spec]), want));
}

for (const spec of ["", "x", "80:y", "7000-7002:8000-8001", "8001-8000", "80/icmp"]) {
  Deno.test(`portBindings() refuses "${spec}"`, () => {
    assert.throws(() => portBindings(["80", spec]), {
      code: "invalid",
      message: `Unable to parse port: 1 - ${spec}`,
    });
  });
}
