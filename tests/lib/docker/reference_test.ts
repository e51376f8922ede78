import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatReference,
  normalizeReference,
  parseReference,
} from "../../../lib/docker/reference.ts";
import { MaelstromError } from "../../../lib/errors.ts";

const HEX = "0123456789abcdef".repeat(4);

for (
  const [text, want] of [
    ["", "Cannot use image name"],
    ["Nginx", "is not a repository"],
    ["nginx:", "is not a tag"],
    [":latest", "is not a repository"],
    ["nginx:a b", "is not a tag"],
    [`nginx:${"t".repeat(129)}`, "is not a tag"],
    ["nginx@sha256:abc", "is not a digest"],
    [`nginx@sha256:${HEX.toUpperCase()}`, "is not a digest"],
    ["a//b", "is not a repository"],
    ["a/../b", "is not a repository"],
    ["../etc", "is not a registry"],
    ["-bad.example/app", "is not a registry"],
    ["registry.example:port/app", "is not a registry"],
    ["https://images.example/app", "is not a registry"],
    ["a".repeat(250), "longer than 255"],
    [HEX, "the id of an image"],
    [`sha256:${HEX}`, "the id of an image"],
  ] as const
) {
  Deno.test(`parseReference() refuses "${text.slice(0, 40)}" because of what is wrong`, () => {
    assert.throws(
      () => parseReference(text),
      (error) =>
        error instanceof MaelstromError && error.code === "invalid" && error.message.includes(want),
    );
  });
}

for (
  const [text, want] of [
    ["nginx", "docker.io/library/nginx:latest"],
    ["nginx:1.27-alpine", "docker.io/library/nginx:1.27-alpine"],
    ["team/app", "docker.io/team/app:latest"],
    ["docker.io/nginx", "docker.io/library/nginx:latest"],
    ["index.docker.io/team/app:2", "docker.io/team/app:2"],
    ["localhost/app", "localhost/app:latest"],
    ["localhost:5000/x", "localhost:5000/x:latest"],
    ["localhost:5000/x:7", "localhost:5000/x:7"],
    ["127.0.0.1:5000/team/x", "127.0.0.1:5000/team/x:latest"],
    ["[::1]:5000/x", "[::1]:5000/x:latest"],
    ["ghcr.io/a/b/c:V1", "ghcr.io/a/b/c:V1"],
    ["Registry/app", "Registry/app:latest"],
    ["a_b/c__d/e---f/g.h", "docker.io/a_b/c__d/e---f/g.h:latest"],
    [`nginx@sha256:${HEX}`, `docker.io/library/nginx@sha256:${HEX}`],
    [`localhost:5000/x:7@sha256:${HEX}`, `localhost:5000/x:7@sha256:${HEX}`],
    [HEX, `sha256:${HEX}`],
    [`sha256:${HEX}`, `sha256:${HEX}`],
  ] as const
) {
  Deno.test(`normalizeReference() makes "${text.slice(0, 40)}" full`, () => {
    assert.equal(normalizeReference(text), want);
  });
}

Deno.test("normalizeReference() leaves a full name as it is", () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._][a-z0-9]{1,8})?$/);
  const domain = fc.constantFrom("", "localhost/", "registry.example/", "10.0.0.1:5000/");
  const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/));
  fc.assert(fc.property(domain, fc.array(part, { minLength: 1, maxLength: 3 }), tag, (d, p, t) => {
    const full = normalizeReference(`${d}${p.join("/")}${t === null ? "" : `:${t}`}`);
    assert.equal(normalizeReference(full), full);
    assert.equal(formatReference(parseReference(full)), full);
  }));
});

Deno.test("parseReference() refuses with invalid or accepts, whatever it is given", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      assert.match(formatReference(parseReference(text)), /^[^/]+\/.+/);
    } catch (error) {
      assert.ok(error instanceof MaelstromError && error.code === "invalid");
    }
  }));
});
