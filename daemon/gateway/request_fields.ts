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
/** What nodes say to each other and to components, of messages and cron times among other things. */
const OURS = ["maelstrom-", "mael-"];
const FOR_NODES = [
  "maelstrom-component",
  "maelstrom-start-nano",
  "maelstrom-deadline-nano",
  "maelstrom-relay-path",
  "maelstrom-relay-pass",
];
const FROM_ANYBODY = dropFields([...OURS, "x-real-ip", ...FORWARDED]);
const FROM_TRUSTED = dropFields([...OURS, "x-forwarded-for"]);
const FROM_PEER = dropFields(FOR_NODES);

/**
 * What a sender's word counts for: `anybody` speaks for nobody, a `trusted` proxy for the clients
 * behind it, and a `peer`, as this node's own event sources, has said already all that we would add.
 */
export type Sender = "anybody" | "trusted" | "peer";

/** Fields of the sender's that are not passed on. */
export function droppedFields(sender: Sender): FieldFilter {
  return sender === "anybody" ? FROM_ANYBODY : sender === "trusted" ? FROM_TRUSTED : FROM_PEER;
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
  of(exchange: Exchange, sender: Sender, deadline: number, arrived: number): string {
    const isAnybody = sender === "anybody";
    const { clientAddress, hostField, secure } = exchange;
    const deadlineMs = Math.round(performance.timeOrigin + deadline);
    const arrivedMs = Math.round(performance.timeOrigin + arrived);
    // What a trusted proxy says differs from request to request.
    const sameOrigin = isAnybody && this.#origin !== "" && clientAddress === this.#client &&
      hostField === this.#host && secure === this.#secure;
    if (sameOrigin && deadlineMs === this.#deadlineMs && arrivedMs === this.#arrivedMs) {
      return this.#text;
    }
    if (!sameOrigin && isAnybody) {
      this.#client = clientAddress;
      this.#host = hostField;
      this.#secure = secure;
      this.#origin = originFields(exchange, false);
    }
    const origin = isAnybody
      ? this.#origin
      : sender === "trusted"
      ? originFields(exchange, true)
      : "";
    // In nanoseconds since 1970, for calls that the component makes itself.
    const text = `${origin}MAELSTROM-DEADLINE-NANO: ${deadlineMs}000000\r\n` +
      `MAELSTROM-START-NANO: ${arrivedMs}000000\r\n`;
    if (isAnybody) {
      this.#deadlineMs = deadlineMs;
      this.#arrivedMs = arrivedMs;
      this.#text = text;
    }
    return text;
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
export const droppedWithMaxForwards: Readonly<Record<Sender, FieldFilter>> = {
  anybody: dropFields([...OURS, "x-real-ip", "max-forwards", ...FORWARDED]),
  trusted: dropFields([...OURS, "x-forwarded-for", "max-forwards"]),
  peer: dropFields([...FOR_NODES, "max-forwards"]),
};
