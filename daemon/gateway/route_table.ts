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
  readonly #byPrefix = new Map<string, Rule>();
  readonly #lengths: number[] = [];

  add(rule: Rule): void {
    // Of two equal rules the first stays, so that the answer does not depend on later names.
    if (this.#byPrefix.has(rule.pathPrefix)) return;
    this.#byPrefix.set(rule.pathPrefix, rule);
    const { length } = rule.pathPrefix;
    if (this.#lengths.includes(length)) return;
    this.#lengths.push(length);
    this.#lengths.sort((a, b) => b - a);
  }

  /** One look-up per distinct prefix length, longest first. */
  find(path: string): Rule | undefined {
    for (const length of this.#lengths) {
      if (length > path.length) continue;
      const rule = this.#byPrefix.get(path.slice(0, length));
      if (rule) return rule;
    }
    return undefined;
  }
}

/** An immutable table of rules. */
export class RouteTable {
  readonly #hosts = new Map<string, Prefixes>();
  /** By what follows the star: `.example.com`. */
  readonly #wildcards = new Map<string, Prefixes>();

  /** Rules with neither host nor prefix never match. */
  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      const { hostname } = rule;
      if (hostname === "" && rule.pathPrefix === "") continue;
      const [map, key] = hostname.startsWith("*.")
        ? [this.#wildcards, hostname.slice(1)] as const
        : [this.#hosts, hostname] as const;
      let prefixes = map.get(key);
      if (!prefixes) map.set(key, prefixes = new Prefixes());
      prefixes.add(rule);
    }
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
