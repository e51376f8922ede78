/** The npm package `ws` as a client: a second WebSocket, which shares no code with the browser's. @module */
import { WebSocket } from "ws";

/** The part of it that tests use. Its own types would replace those of the runtime. */
export interface Socket {
  on(event: "open", listener: () => void): unknown;
  on(event: "message", listener: (data: Uint8Array, binary: boolean) => void): unknown;
  on(event: "close", listener: (code: number, reason: Uint8Array) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "pong", listener: (data: Uint8Array) => void): unknown;
  on(
    event: "unexpected-response",
    listener: (request: unknown, response: { statusCode: number; resume(): void }) => void,
  ): unknown;
  send(data: string | Uint8Array): void;
  ping(data: string): void;
  close(code: number, reason?: string): void;
  terminate(): void;
}

/** Opens a WebSocket to `url`, given with `http:` as the rest of a test has it. */
export function openSocket(url: string): Socket {
  return new WebSocket(url.replace(/^http/, "ws")) as Socket;
}
