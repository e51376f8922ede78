/**
 * Fairness between bodies and heads: pieces of bodies and tunnels are passed on for a while, then
 * whatever else has arrived has its turn. A thousand connections that say something in the same
 * moment hold up a request among them for that while, not for all of them.
 * @module
 */
import { look } from "./look.ts";

/** How long pieces are passed on before others have their turn, in milliseconds. */
const TURN_MS = 1;
/** Pieces that go without any of this: so few take no time. */
const FEW = 16;
/** So many at one look mean that more wait to be read: the runtime takes 128 at a time. */
const MANY = 64;

/** Pieces passed on since others had their turn, as far as {@linkcode FEW}; then a turn began. */
let passed = 0;
/** Pieces that came to wait since the last look. */
let arrived = 0;
/** `performance.now()` at which that turn ends. */
let endMs = 0;
// No more than connections: each has one piece at a time in each direction.
const waiting: (() => void)[] = [];
let isPassing = false;

/** Waits for a turn to pass a piece on; undefined when it may go at once. */
export function pieceTurn(): Promise<void> | undefined {
  if (passed === FEW) {
    // What arrived together asks together, before any of it is passed on: so one goes after another.
    arrived++;
    pass();
    return new Promise((resolve) => waiting.push(resolve));
  }
  if (++passed === FEW) begin();
  return undefined;
}

function begin(): void {
  endMs = performance.now() + TURN_MS;
  look(end);
}

function end(): void {
  const isMore = arrived >= MANY;
  arrived = 0;
  if (waiting.length === 0) {
    passed = 0;
    return;
  }
  begin();
  if (!isMore) pass();
}

/** Lets one go after another while the turn lasts: the next comes after what the last does at once. */
function pass(): void {
  if (isPassing || arrived >= MANY || performance.now() >= endMs) return;
  isPassing = true;
  queueMicrotask(() => {
    isPassing = false;
    waiting.shift()?.();
    if (waiting.length > 0) pass();
  });
}
