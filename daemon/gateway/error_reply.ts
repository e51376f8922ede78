/**
 * The bodies of answers that we give ourselves: short text, or HTML for browsers, or JSON for
 * programs, as the client prefers. Each failure carries an id that is also in the log.
 * @module
 */
import type { Exchange, Reply } from "../../lib/http/exchange.ts";
import { reasonOf } from "../../lib/http/reasons.ts";

/** One answer of our own. */
export interface Answer {
  readonly status: number;
  /** What happened, as people read it. */
  readonly message: string;
  /** Names the failure in the log; absent for answers that are no failure. */
  readonly id?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

type Form = "text" | "html" | "json";

/** The reply that says `answer` in the form the client prefers. */
export function replyOf(answer: Answer, exchange: Exchange | undefined): Reply {
  const { status, message, id, headers = [] } = answer;
  const form = formOf(exchange?.header("accept"));
  const [type, body] = {
    text: (): [string, string] => ["text/plain", id ? `${message}\n(id ${id})\n` : message],
    html: (): [string, string] => ["text/html", page(status, message, id)],
    json: (): [string, string] => [
      "application/json",
      `${JSON.stringify({ status, message, ...(id ? { id } : {}) })}\n`,
    ],
  }[form]();
  const charset = form === "json" ? type : `${type}; charset=utf-8`;
  return { status, headers: [["Content-Type", charset], ...headers], body };
}

/** The waiting page: it asks again by itself until the component serves. */
export function waitingPage(component: string): Reply {
  const text = `${component} is starting. This page asks again by itself.`;
  return {
    status: 503,
    headers: [
      ["Content-Type", "text/html; charset=utf-8"],
      ["Cache-Control", "no-store"],
      ["Retry-After", "1"],
      ["Refresh", "1"],
    ],
    body: html("Starting", `<h1>Starting</h1><p>${escapeHtml(text)}</p>`),
  };
}

/** True when the client would rather see a page than text. */
export function wantsPage(exchange: Exchange): boolean {
  return exchange.method === "GET" && formOf(exchange.header("accept")) === "html";
}

/** The first form that Accept names; text when it names none of them. */
function formOf(accept: string | undefined): Form {
  if (!accept) return "text";
  const at = (type: string) => {
    const index = accept.toLowerCase().indexOf(type);
    return index < 0 ? Infinity : index;
  };
  const html = at("text/html");
  const json = Math.min(at("application/json"), at("+json"));
  if (html === json || at("text/plain") < Math.min(html, json)) return "text";
  return html < json ? "html" : "json";
}

function page(status: number, message: string, id: string | undefined): string {
  const title = `${status} ${reasonOf(status)}`;
  const foot = id ? `<p><small>id ${id}</small></p>` : "";
  return html(title, `<h1>${title}</h1><p>${escapeHtml(message)}</p>${foot}`);
}

function html(title: string, body: string): string {
  const style = "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;" +
    "padding:0 1rem;color:#222;background:#fff}h1{font-size:1.4rem}" +
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}";
  return `<!doctype html><html lang="en"><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width"><title>${title}</title>` +
    `<style>${style}</style>${body}</html>\n`;
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replaceAll(/[&<>"]/g, (character) => names[character]!);
}
