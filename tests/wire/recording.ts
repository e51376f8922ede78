/** A backend that answers what it can read and remembers it; on loopback, for the bare engine. @module */
import { RawBackend } from "../support/http/raw.ts";
import { type Heard, readRequest } from "./reader.ts";

/** An instance that records. */
export interface Recording extends AsyncDisposable {
  readonly port: number;
  readonly heard: Heard;
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Starts one. */
export function recording(): Recording {
  const heard: Heard = { requests: [], bad: [], unfinished: [] };
  const backend = new RawBackend(async (peer) => {
    while (true) {
      const reading = readRequest(peer.heard);
      if (reading.kind === "message") {
        heard.requests.push(reading.message);
        peer.take(reading.end);
        await peer.send(OK);
      } else if (reading.kind === "bad" || !await peer.hear()) {
        if (reading.kind === "bad") heard.bad.push(`${reading.why}: ${peer.heard}`);
        else if (peer.heard) heard.unfinished.push(peer.heard);
        return peer.close();
      }
    }
  });
  return { port: backend.port, heard, [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]() };
}
