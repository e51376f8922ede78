/**
 * Fields that a request gains and loses on its way to an instance. What a client says of itself or
 * of us is removed first; our own word is added after that.
 *
 * Source: RFC 9110 §7.6; the ancestor's MAELSTROM-* fields.
 * @module
 */
import type { Exchange } from "../../lib/http/exchange.ts";
import { dropFields, type FieldFilter } from "../../lib/http/fields.ts";

const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
const FROM_ANYBODY = dropFields(["maelstrom-", "x-real-ip", ...FORWARDED]);
const FROM_TRUSTED = dropFields(["maelstrom-", "x-forwarded-for"]);

/** Fields of the client's that are not passed on; `trusted` ones may speak for others. */
export function droppedFields(trusted: boolean): FieldFilter {
  return trusted ? FROM_TRUSTED : FROM_ANYBODY;
}

/**
 * The lines that a request gains, for one door. Most requests gain the same ones as the last: same
 * client, same host, same millisecond; so the last text is kept, and with it its bytes further on.
 */
export class AddedFields {
  #client = "";
  #host = "";
  #secure = false;
  #origin = "";
  #deadlineMs = 0;
  #arrivedMs = 0;
  #text = "";

  /** Complete lines; times are on the `performance.now()` clock. */
  of(exchange: Exchange, trusted: boolean, deadline: number, arrived: number): string {
    const { clientAddress, hostField, secure } = exchange;
    const deadlineMs = Math.round(performance.timeOrigin + deadline);
    const arrivedMs = Math.round(performance.timeOrigin + arrived);
    // What a trusted proxy says differs from request to request.
    const sameOrigin = !trusted && this.#origin !== "" && clientAddress === this.#client &&
      hostField === this.#host && secure === this.#secure;
    if (sameOrigin && deadlineMs === this.#deadlineMs && arrivedMs === this.#arrivedMs) {
      return this.#text;
    }
    if (!sameOrigin) {
      this.#client = clientAddress;
      this.#host = hostField;
      this.#secure = secure;
      this.#origin = trusted ? "" : originFields(exchange, false);
    }
    this.#deadlineMs = deadlineMs;
    this.#arrivedMs = arrivedMs;
    const origin = trusted ? originFields(exchange, true) : this.#origin;
    // In nanoseconds since 1970, for calls that the component makes itself.
    this.#text = `${origin}MAELSTROM-DEADLINE-NANO: ${deadlineMs}000000\r\n` +
      `MAELSTROM-START-NANO: ${arrivedMs}000000\r\n`;
    return this.#text;
  }
}

/** Where the request came from, in our own words. */
function originFields(exchange: Exchange, trusted: boolean): string {
  const { clientAddress } = exchange;
  const before = trusted ? exchange.header("x-forwarded-for") : undefined;
  let fields = `X-Forwarded-For: ${before ? `${before}, ` : ""}${clientAddress}\r\n`;
  if (!trusted || exchange.header("x-forwarded-proto") === undefined) {
    fields += `X-Forwarded-Proto: ${exchange.secure ? "https" : "http"}\r\n`;
  }
  if (!trusted || exchange.header("x-forwarded-host") === undefined) {
    fields += `X-Forwarded-Host: ${exchange.hostField}\r\n`;
  }
  return fields;
}

/** A clock field of the caller's on the `performance.now()` clock, if it gave a readable one. */
export function clockField(exchange: Exchange, name: string): number | undefined {
  const nano = exchange.header(name);
  if (nano === undefined || !/^\d{7,20}$/.test(nano)) return undefined;
  return Number(nano.slice(0, -6)) - performance.timeOrigin;
}

/**
 * What Max-Forwards asks of us: undefined when it asks nothing, `stop` when the request may go no
 * further, else the field for the next hop.
 *
 * Source: RFC 9110 §7.6.2 (TRACE and OPTIONS only).
 */
export function maxForwards(exchange: Exchange): "stop" | string | undefined {
  const value = exchange.header("max-forwards");
  if (value === undefined || !/^\d{1,9}$/.test(value)) return undefined;
  return Number(value) === 0 ? "stop" : `Max-Forwards: ${Number(value) - 1}\r\n`;
}

/** The client's fields without Max-Forwards as well, for when we write that one. */
export const droppedWithMaxForwards: Readonly<Record<"trusted" | "untrusted", FieldFilter>> = {
  trusted: dropFields(["maelstrom-", "x-forwarded-for", "max-forwards"]),
  untrusted: dropFields(["maelstrom-", "x-real-ip", "max-forwards", ...FORWARDED]),
};
