/**
 * Which rule a request matches. Pure: rules in, a table out; a look-up takes host and path.
 *
 * Order: an exact host before a wildcard one (longest first) before none; then the longest path
 * prefix. Prefixes are plain string prefixes, as the ancestor's are.
 * @module
 */

/** One enabled HTTP event source. */
export interface Rule {
  readonly component: string;
  /** Lower case; `*.example.com` matches any name below; empty matches every host. */
  readonly hostname: string;
  /** Empty matches every path. */
  readonly pathPrefix: string;
  readonly stripPrefix: boolean;
}

/** Rules of one host, found by prefix. */
class Prefixes {
  /** By prefix, each once. */
  readonly #rules: readonly Rule[];
  /** For each rule the place of the longest other prefix that its own begins with, or -1. */
  readonly #parents: readonly number[];

  constructor(rules: Iterable<Rule>) {
    this.#rules = [...rules].sort((a, b) => a.pathPrefix < b.pathPrefix ? -1 : 1);
    const open: number[] = [];
    this.#parents = this.#rules.map(({ pathPrefix }, index) => {
      while (open.length > 0 && !pathPrefix.startsWith(this.#rules[open.at(-1)!]!.pathPrefix)) {
        open.pop();
      }
      const parent = open.at(-1) ?? -1;
      open.push(index);
      return parent;
    });
  }

  /**
   * The last prefix in order that is not behind `path` begins with every prefix that `path` begins
   * with; so that one or the nearest of its parents is the longest.
   */
  find(path: string): Rule | undefined {
    let low = 0;
    for (let high = this.#rules.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#rules[middle]!.pathPrefix <= path) low = middle + 1;
      else high = middle;
    }
    for (let at = low - 1; at >= 0; at = this.#parents[at]!) {
      const rule = this.#rules[at]!;
      if (path.startsWith(rule.pathPrefix)) return rule;
    }
    return undefined;
  }
}

/** An immutable table of rules. */
export class RouteTable {
  readonly #hosts: ReadonlyMap<string, Prefixes>;
  /** By what follows the star: `.example.com`. */
  readonly #wildcards: ReadonlyMap<string, Prefixes>;

  /** Rules with neither host nor prefix never match. */
  constructor(rules: readonly Rule[]) {
    const some = rules.filter(({ hostname, pathPrefix }) => hostname !== "" || pathPrefix !== "");
    const isWildcard = ({ hostname }: Rule) => hostname.startsWith("*.");
    this.#hosts = byHost(some.filter((rule) => !isWildcard(rule)), ({ hostname }) => hostname);
    this.#wildcards = byHost(some.filter(isWildcard), ({ hostname }) => hostname.slice(1));
  }

  /** The rule for a request to `path` on `host` (lower case, without port). */
  find(host: string, path: string): Rule | undefined {
    const exact = this.#hosts.get(host)?.find(path);
    return exact ?? this.#findWildcard(host, path) ?? this.#hosts.get("")?.find(path);
  }

  #findWildcard(host: string, path: string): Rule | undefined {
    if (this.#wildcards.size === 0) return undefined;
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
      const rule = this.#wildcards.get(host.slice(dot))?.find(path);
      if (rule) return rule;
    }
    return undefined;
  }
}

function byHost(rules: readonly Rule[], key: (rule: Rule) => string): Map<string, Prefixes> {
  const hosts = new Map<string, Map<string, Rule>>();
  for (const rule of rules) {
    let prefixes = hosts.get(key(rule));
    if (!prefixes) hosts.set(key(rule), prefixes = new Map());
    // Of two equal rules the first stays, so that the answer does not depend on later names.
    if (!prefixes.has(rule.pathPrefix)) prefixes.set(rule.pathPrefix, rule);
  }
  return new Map([...hosts].map(([host, prefixes]) => [host, new Prefixes(prefixes.values())]));
}
