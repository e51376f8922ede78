/**
 * Which component a request is for. Works on the catalog's snapshot; never waits. Walk: gateway →
 * **resolver** → router.
 * @module
 */
import { type Effective, effective } from "../../lib/contract/effective.ts";
import type { DesiredState } from "../store/store.ts";
import { RouteTable, type Rule } from "./route_table.ts";

/** A component's name and the settings a request needs. */
export interface Route {
  readonly component: string;
  readonly settings: Effective;
  /** Length of the path prefix the instance must not see. */
  readonly stripLength: number;
}

/** Whoever has the newest snapshot: the catalog, or what a proxy worker was told. */
export interface StateSource {
  readonly current: DesiredState;
}

/** Resolves requests against the newest snapshot. */
export class Resolver {
  readonly #source: StateSource;
  #state: DesiredState | undefined;
  #table = new RouteTable([]);
  #settings = new Map<string, Effective>();

  constructor(source: StateSource) {
    this.#source = source;
  }

  /** The route of a request by host (lower case, without port) and raw path. */
  byRule(host: string, path: string): Route | undefined {
    this.#renew();
    const rule = this.#table.find(host, path);
    return rule && this.#route(rule.component, rule.stripPrefix ? rule.pathPrefix.length : 0);
  }

  /** The route of a request that names its component. */
  byName(component: string): Route | undefined {
    this.#renew();
    return this.#route(component, 0);
  }

  #route(component: string, stripLength: number): Route | undefined {
    const settings = this.#settings.get(component);
    return settings && { component, settings, stripLength };
  }

  #renew(): void {
    const state = this.#source.current;
    if (state === this.#state) return;
    this.#state = state;
    this.#table = new RouteTable(rulesOf(state));
    this.#settings = new Map(
      state.components.map(({ component }) => [component.name, effective(component)]),
    );
  }
}

function rulesOf({ eventSources }: DesiredState): Rule[] {
  return eventSources.flatMap(({ eventSource: { http, componentName }, enabled }) =>
    http && enabled
      ? [{
        component: componentName,
        hostname: http.hostname ?? "",
        pathPrefix: http.pathPrefix ?? "",
        stripPrefix: http.stripPrefix ?? false,
      }]
      : []
  );
}
