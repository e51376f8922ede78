/**
 * Names of images, as people write them and in full. Pure.
 *
 * Source: distribution/reference grammar; `docker pull` adds `docker.io`, `library/`, `latest`.
 * @module
 */
import { MaelstromError } from "../errors.ts";

/** An image's name in its parts: `docker.io/library/nginx:latest`. */
export interface ImageReference {
  /** The registry, with its port: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** The repository inside the registry: `library/nginx`. */
  readonly path: string;
  /** Absent only beside a digest. */
  readonly tag?: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest?: string;
}

const DEFAULT_DOMAIN = "docker.io";
const NAME_CHARS_MAX = 255;
const DOMAIN = new RegExp(
  "^(?:(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])" +
    "(?:\\.(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9]))*|\\[[0-9a-f:]+\\])(?::[0-9]+)?$",
  "i",
);
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z][a-z0-9]*(?:[-_+.][a-z][a-z0-9]*)*:[0-9a-f]{32,}$/i;
const IMAGE_ID = /^(?:sha256:)?([0-9a-f]{64})$/;

/**
 * The parts of `text`, with the defaults filled in.
 *
 * @throws {MaelstromError} invalid: not the name of an image
 */
export function parseReference(text: string): ImageReference {
  const { name, tag, digest } = split(text);
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const hasDomain = first === "localhost" || /[.:A-Z]/.test(first);
  let domain = hasDomain ? first : DEFAULT_DOMAIN;
  let path = hasDomain ? name.slice(slash + 1) : name;
  if (domain === "index.docker.io") domain = DEFAULT_DOMAIN;
  if (domain === DEFAULT_DOMAIN && !path.includes("/")) path = `library/${path}`;
  check(text, { domain, path, tag, digest });
  return {
    domain,
    path,
    ...(digest === undefined ? { tag: tag ?? "latest" } : tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The full name: `docker.io/library/nginx:latest`. */
export function formatReference({ domain, path, tag, digest }: ImageReference): string {
  return `${domain}/${path}${tag === undefined ? "" : `:${tag}`}${
    digest === undefined ? "" : `@${digest}`
  }`;
}

/**
 * `text` in full, so that two names of one image compare equal; the id of an image becomes
 * `sha256:…`.
 *
 * @throws {MaelstromError} invalid: not the name of an image
 */
export function normalizeReference(text: string): string {
  const id = IMAGE_ID.exec(text)?.[1];
  return id ? `sha256:${id}` : formatReference(parseReference(text));
}

function split(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.indexOf(":", rest.lastIndexOf("/") + 1);
  return {
    name: colon < 0 ? rest : rest.slice(0, colon),
    ...(colon < 0 ? {} : { tag: rest.slice(colon + 1) }),
    ...(digest === undefined ? {} : { digest }),
  };
}

interface RawParts {
  readonly domain: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

function check(text: string, { domain, path, tag, digest }: RawParts): void {
  const fault = IMAGE_ID.test(text)
    ? "that is the id of an image"
    : !DOMAIN.test(domain)
    ? `"${domain}" is not a registry`
    : !path.split("/").every((part) => PATH_PART.test(part))
    ? `"${path}" is not a repository (lower-case letters, digits, and . _ - between them)`
    : domain.length + 1 + path.length > NAME_CHARS_MAX
    ? `longer than ${NAME_CHARS_MAX} characters`
    : tag !== undefined && !TAG.test(tag)
    ? `"${tag}" is not a tag`
    : digest !== undefined && !isDigest(digest)
    ? `"${digest}" is not a digest`
    : undefined;
  if (fault) {
    throw new MaelstromError("invalid", `Cannot use image name ${JSON.stringify(text)}: ${fault}`);
  }
}

function isDigest(digest: string): boolean {
  if (digest.startsWith("sha256:")) return /^[0-9a-f]{64}$/.test(digest.slice(7));
  return DIGEST.test(digest);
}
