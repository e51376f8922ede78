/**
 * Which images and containers may go. Pure: the engine's lists, the settings and the clock go in, a
 * plan comes out. Names are compared in full, so `web` protects `docker.io/library/web:latest`.
 * @module
 */
import { globMatches } from "../../lib/contract/glob.ts";
import { formatReference, normalizeReference, parseReference } from "../../lib/docker/reference.ts";
import { MaelstromError } from "../../lib/errors.ts";

/** What the settings say about pruning. */
export interface PrunePolicy {
  /** False: images are left alone. */
  readonly images: boolean;
  /** Globs of images that stay. */
  readonly keep: readonly string[];
  /** Globs of the only images that may go; none means all. */
  readonly only: readonly string[];
  /** Images made less long ago stay, in milliseconds. */
  readonly ageMs: number;
  /** Images go only while the engine's disk is fuller than this, in percent; 0 means always. */
  readonly diskPct: number;
}

/** An image of the engine. */
export interface PruneImage {
  /** `sha256:…`. */
  readonly id: string;
  readonly tags: readonly string[];
  /** `nginx@sha256:…`. */
  readonly digests: readonly string[];
  readonly createdAtMs: number;
  readonly sizeBytes: number;
}

/** A container of the engine. */
export interface PruneContainer {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  /** True while its process lives, frozen or not. */
  readonly running: boolean;
  /** True when its labels say that this node made it. */
  readonly ours: boolean;
  /** True when this node is starting, using or stopping it. */
  readonly known: boolean;
}

/** What is there. */
export interface PruneState {
  readonly images: readonly PruneImage[];
  /** All of them, also those that do not run. */
  readonly containers: readonly PruneContainer[];
  /** Images that components name, as they name them. */
  readonly named: readonly string[];
  /** How full the engine's disk is, in percent; undefined when that cannot be seen. */
  readonly diskPct: number | undefined;
  /** In milliseconds since 1970. */
  readonly nowMs: number;
}

/** Something to remove. */
export interface PruneStep {
  readonly kind: "image" | "container";
  readonly id: string;
  readonly names: readonly string[];
  /** What the engine is asked to remove, in order: an image goes with its last name. */
  readonly refs: readonly string[];
  readonly sizeBytes: number;
  readonly reason: string;
}

/** What to do, and what to tell. */
export interface PrunePlan {
  readonly steps: readonly PruneStep[];
  /** Why images were left alone. */
  readonly notices: readonly string[];
}

/** The containers and images that may go; containers first. */
export function planPrune(state: PruneState, policy: PrunePolicy): PrunePlan {
  const containers = state.containers
    .filter(({ ours, running, known }) => ours && !running && !known)
    .map(containerStep);
  const notice = imagesNotice(state, policy);
  if (notice !== undefined) return { steps: containers, notices: [notice] };
  // A container that goes now holds its image until the next run: it may not go after all.
  const used = new Set(state.containers.map(({ imageId }) => imageId));
  const images = state.images
    .filter((image) => !used.has(image.id) && isUnneeded(image, state, policy))
    .map(imageStep);
  return { steps: [...containers, ...images], notices: [] };
}

/** True when a component names the image, by any of its names or by its id. */
export function isNamed(image: PruneImage, named: readonly string[]): boolean {
  const names = new Set(namesOf(image).map(fullName));
  return named.some((name) => names.has(fullName(name)) || isIdOf(image, name));
}

function imagesNotice({ diskPct }: PruneState, policy: PrunePolicy): string | undefined {
  if (!policy.images) {
    return "Images are left alone: MAEL_DOCKER_PRUNE_UNREG_IMAGES is false";
  }
  if (policy.diskPct === 0) return undefined;
  if (diskPct === undefined) {
    return "Images are left alone: how full the disk of Docker is cannot be seen from here";
  }
  if (diskPct > policy.diskPct) return undefined;
  return `Images are left alone: the disk of Docker is ${Math.floor(diskPct)} % full, ` +
    `not more than ${policy.diskPct} %`;
}

function isUnneeded(image: PruneImage, { named, nowMs }: PruneState, policy: PrunePolicy): boolean {
  return nowMs - image.createdAtMs >= policy.ageMs &&
    !isNamed(image, named) &&
    !isKept(image, policy.keep) &&
    isInScope(image, policy.only);
}

function isKept(image: PruneImage, keep: readonly string[]): boolean {
  return keep.some((glob) => glob === "*" || namesOf(image).some((name) => matches(glob, name)));
}

/** Every name has to be in scope: whoever gave it another one still wants the image. */
function isInScope(image: PruneImage, only: readonly string[]): boolean {
  if (only.length === 0) return true;
  const names = namesOf(image);
  return names.length > 0 && names.every((name) => only.some((glob) => matches(glob, name)));
}

/** Matches a name as it is, in full, and both without what follows the repository. */
function matches(glob: string, name: string): boolean {
  const full = fullName(name);
  const spelled = [name, repositoryOf(name), full, repositoryOf(full)];
  return spelled.some((one) => globMatches(glob, one)) || fullName(glob) === full;
}

function namesOf({ tags, digests }: PruneImage): readonly string[] {
  return tags.length > 0 ? [...tags, ...digests] : digests;
}

/** The name without tag and digest. */
function repositoryOf(name: string): string {
  const bare = name.split("@")[0]!;
  const colon = bare.indexOf(":", bare.lastIndexOf("/") + 1);
  return colon < 0 ? bare : bare.slice(0, colon);
}

/** In full; a digest tells the image alone, whatever tag stands before it. */
function fullName(name: string): string {
  try {
    const normal = normalizeReference(name);
    if (!normal.includes("@")) return normal;
    const { domain, path, digest } = parseReference(normal);
    return formatReference({ domain, path, ...(digest === undefined ? {} : { digest }) });
  } catch (error) {
    // Not a name: a glob, or what an older engine lists. It equals only itself.
    if (error instanceof MaelstromError) return name;
    throw error;
  }
}

/** The engine also takes the beginning of an id for an image. */
function isIdOf(image: PruneImage, name: string): boolean {
  const digits = name.replace(/^sha256:/, "");
  return /^[0-9a-f]{4,64}$/.test(digits) && image.id.startsWith(`sha256:${digits}`);
}

function containerStep({ id, name }: PruneContainer): PruneStep {
  const reason = "stopped, and left over from an earlier run";
  return { kind: "container", id, names: [name], refs: [id], sizeBytes: 0, reason };
}

function imageStep({ id, tags, digests, sizeBytes }: PruneImage): PruneStep {
  const names = tags.length > 0 ? tags : digests;
  const reason = names.length > 0
    ? "no component names it and no container uses it"
    : "it has no name and no container uses it";
  const refs = names.length > 0 ? names : [id];
  return { kind: "image", id, names, refs, sizeBytes, reason };
}
