/**
 * The password of a registry never leaves the node again: answers have a word in its place, and a
 * put that carries the word keeps what is stored. So what was got can be put again. Pure.
 * @module
 */
import { MaelstromError } from "../errors.ts";
import { parseReference } from "../docker/reference.ts";
import type { Component, ProjectChanges } from "./v1.ts";

/** Stands for a stored password. */
export const HIDDEN_PASSWORD = "***";

/** `component` as it may be shown. */
export function hidePassword(component: Component): Component {
  if (!component.docker.pullPassword) return component;
  return { ...component, docker: { ...component.docker, pullPassword: HIDDEN_PASSWORD } };
}

/** `changes` as they may be shown. */
export function hidePasswords(changes: ProjectChanges): ProjectChanges {
  return {
    ...changes,
    componentsAdded: changes.componentsAdded.map(hidePassword),
    componentsUpdated: changes.componentsUpdated.map(hidePassword),
  };
}

/** True when a put of `component` wants to keep the password that is stored. */
export function keepsPassword({ docker }: Component): boolean {
  return docker.pullPassword === HIDDEN_PASSWORD;
}

/**
 * `component` with the password of `stored` where it has the word that stands for it. A password is
 * kept for the user and the registry it was given for, and for no other.
 *
 * @throws {MaelstromError} invalid: there is nothing to keep, or it was given for somebody else
 */
export function withKeptPassword(component: Component, stored: Component | undefined): Component {
  if (!keepsPassword(component)) return component;
  const { image, pullUsername } = component.docker;
  const before = stored?.docker;
  const fault = !before?.pullPassword
    ? "none is stored"
    : before.pullUsername !== pullUsername
    ? "pullUsername has changed"
    : registryOf(before.image) !== registryOf(image)
    ? "the image comes from another registry"
    : undefined;
  if (fault !== undefined) {
    throw new MaelstromError(
      "invalid",
      `Cannot put component "${component.name}": its pullPassword "${HIDDEN_PASSWORD}" stands for ` +
        `the stored one, but ${fault}; give the password itself`,
      { path: "docker.pullPassword" },
    );
  }
  return { ...component, docker: { ...component.docker, pullPassword: before!.pullPassword } };
}

/** Names that are none are refused later, by the pull; until then they stand for themselves. */
function registryOf(image: string): string {
  try {
    return parseReference(image).domain;
  } catch {
    return image;
  }
}
