/**
 * What a door needs of a component's traffic: a place on an instance, now or after waiting. The
 * routers give it in the main thread, the remote routers in a proxy worker. Types only.
 * @module
 */
import type { MaelstromError } from "../../lib/errors.ts";
import type { Upstream } from "../../lib/http/upstream.ts";

/** `off`: nothing to do; `pending`: requests wait for a first instance; `on`: instances serve. */
export type RouterState = "off" | "pending" | "on";

/** Which places will do: on this node's instances, or those of peers as well. */
export type Reach = "local" | "any";

/** A place on an instance. Whoever has it releases it once. */
export interface Place {
  /** The instance's id. */
  readonly id: string;
  /** Id of the node to which the request is relayed; absent when the instance is here. */
  readonly peer?: string;
  readonly upstream: Upstream;
}

/** How a wait ended. Only `instance` carries a claimed place. */
export type Wait<P extends Place = Place> =
  | { readonly kind: "instance"; readonly instance: P }
  | { readonly kind: "full" }
  | { readonly kind: "timed_out" }
  | { readonly kind: "left" }
  | { readonly kind: "failed"; readonly error: MaelstromError };

/** Admits the requests of one component. */
export interface Admission {
  readonly state: RouterState;
  /** A place, if one can be had without waiting. */
  claim(reach?: Reach): Place | undefined;
  /** Waits for a place until `deadline` (`performance.now()` clock) or until `signal` aborts. */
  wait(deadline: number, signal: AbortSignal, reach?: Reach): Promise<Wait>;
  /** Gives a place back after its request. */
  release(place: Place): void;
  /** Takes an instance that could not be reached out of rotation and has it checked. */
  suspend(place: Place): void;
  /** Asks for an instance without waiting for it; gives the reason if none can be had now. */
  knock(): MaelstromError | undefined | Promise<MaelstromError | undefined>;
}

/** Admits the requests of all components. */
export interface Admissions {
  of(component: string): Admission;
}
