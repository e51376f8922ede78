/** Which nodes a component may run on: `zone=a`, `disk!=slow`. Pure. @module */

const CONSTRAINT = /^([A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?)(!?=)([A-Za-z0-9._:/-]*)$/;

/** Names and values that tell nodes apart: `{ "zone": "a", "disk": "fast" }`. */
export type Labels = Readonly<Record<string, string>>;

/** A demand on a node's labels. */
export interface Constraint {
  readonly label: string;
  readonly value: string;
  /** False: the label must not have the value. A label that a node lacks counts as empty. */
  readonly equal: boolean;
}

/** What `text` demands; undefined when it is no constraint. */
export function parseConstraint(text: string): Constraint | undefined {
  const [, label, operator, value] = CONSTRAINT.exec(text) ?? [];
  if (label === undefined || value === undefined) return undefined;
  return { label, value, equal: operator === "=" };
}

/** Whether a node with `labels` meets every one of `constraints`. */
export function meets(labels: Labels, constraints: readonly Constraint[]): boolean {
  return constraints.every(({ label, value, equal }) =>
    ((Object.hasOwn(labels, label) ? labels[label] : "") === value) === equal
  );
}
