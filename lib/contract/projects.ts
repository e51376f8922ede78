/** Projects on the wire: components that are put as one, and what such a put changes. @module */
import { z } from "zod";
import { type Component, componentSchema, type FieldChange } from "./components.ts";
import { type EventSource, eventSourceSchema } from "./event_sources.ts";
import { LIST_MAX, name } from "./fields.ts";
import { PROJECT_NAME_BYTES_MAX } from "./names.ts";

// Keeps mistakes out; it is no promise.
const PROJECT_COMPONENTS_MAX = 10_000;

/** An event source of a project. On a put `enabled` counts for nothing: a switch is no setting. */
const projectEventSourceSchema = z.strictObject({
  eventSource: eventSourceSchema,
  enabled: z.boolean().default(true),
});

/** A component and what wakes it: `{ "component": { … }, "eventSources": [] }`. */
export const componentWithEventSourcesSchema = z.strictObject({
  component: componentSchema,
  eventSources: z.array(projectEventSourceSchema).max(LIST_MAX).default([]),
});
export type ComponentWithEventSources = z.infer<typeof componentWithEventSourcesSchema>;

/** Components that are put and removed as one: `{ "name": "demo", "components": [ … ] }`. */
export const projectSchema = z.strictObject({
  name: name(PROJECT_NAME_BYTES_MAX),
  components: z.array(componentWithEventSourcesSchema).max(PROJECT_COMPONENTS_MAX).superRefine(
    (components, context) => {
      if (components.length > 0) return;
      context.addIssue({ code: "custom", message: "array cannot be empty" });
    },
  ),
});
export type Project = z.infer<typeof projectSchema>;

/** What a list of projects says of one. The name is empty for components without a project. */
export interface ProjectInfo {
  readonly projectName: string;
  readonly componentCount: number;
  readonly eventSourceCount: number;
}

/** The changed settings of one component or event source. */
export interface ItemChange {
  readonly kind: "component" | "eventSource";
  readonly name: string;
  readonly fields: readonly FieldChange[];
}

/** What a put of a project does. Items carry the version they replace; 0 means none. */
export interface ProjectChanges {
  readonly name: string;
  readonly componentsAdded: readonly Component[];
  readonly componentsUpdated: readonly Component[];
  readonly componentsRemoved: readonly string[];
  readonly eventSourcesAdded: readonly EventSource[];
  readonly eventSourcesUpdated: readonly EventSource[];
  readonly eventSourcesRemoved: readonly string[];
  /** Of what is updated; ours beside the ancestor's fields. */
  readonly changes: readonly ItemChange[];
}
