/** Values for tests, with defaults for everything a test does not speak of. @module */
import type { ComponentFacts } from "../../daemon/api/components.ts";
import type { Component, DockerComponent, EventSource } from "../../lib/contract/v1.ts";
import type { StoredComponent } from "../../daemon/store/store.ts";

/** What a test may say about a component: docker's fields beside the rest. */
export type ComponentParts = Partial<Omit<Component, "docker">> & {
  readonly docker?: Partial<DockerComponent>;
};

/** A valid component called `shop`, changed by `parts`. */
export function component({ docker, ...parts }: ComponentParts = {}): Component {
  return {
    name: "shop",
    environment: [],
    maxConcurrency: 1,
    version: 1,
    ...parts,
    docker: { image: "shop:1", httpPort: 8080, ...docker },
  };
}

/** A stored component; `uid` tells it from others of the same name. */
export function stored(parts: ComponentParts = {}, uid = "u1"): StoredComponent {
  return { uid, component: component(parts) };
}

/** A valid HTTP event source for `shop`, changed by `parts`. */
export function eventSource(parts: Partial<EventSource> = {}): EventSource {
  return {
    name: "shop_http",
    componentName: "shop",
    version: 1,
    modifiedAt: 0,
    http: { pathPrefix: "/" },
    ...parts,
  };
}

/** What is known of how components fare where nothing runs. */
export const NO_FACTS: ComponentFacts = { nodes: () => [], refusalOf: () => undefined };
