/**
 * Fairness between bodies and heads: pieces of bodies and tunnels are passed on for a while, then
 * whatever else has arrived has its turn. A thousand connections that say something in the same
 * moment hold up a request among them for that while, not for all of them.
 * @module
 */

/** How long pieces are passed on before others have their turn, in milliseconds. */
const TURN_MS = 2;
/** Pieces that go without any of this: so few take no time. */
const FEW = 16;

/** Pieces passed on since others had their turn, as far as {@linkcode FEW}; then a turn began. */
let passed = 0;
/** `performance.now()` at which that turn ends. */
let endMs = 0;
// No more than connections: each has one piece at a time in each direction.
const waiting: (() => void)[] = [];
let isPassing = false;

/** Waits for a turn to pass a piece on; undefined when it may go at once. */
export function pieceTurn(): Promise<void> | undefined {
  if (passed === FEW) {
    // What arrived together asks together, before any of it is passed on: so one goes after another.
    pass();
    return new Promise((resolve) => waiting.push(resolve));
  }
  if (++passed === FEW) begin();
  return undefined;
}

/** A timer, because the runtime looks at sockets before it; an immediate comes before that. */
function begin(): void {
  endMs = performance.now() + TURN_MS;
  setTimeout(end, 0);
}

function end(): void {
  if (waiting.length === 0) {
    passed = 0;
    return;
  }
  begin();
  pass();
}

/** Lets one go after another while the turn lasts: the next comes after what the last does at once. */
function pass(): void {
  if (isPassing || performance.now() >= endMs) return;
  isPassing = true;
  queueMicrotask(() => {
    isPassing = false;
    waiting.shift()?.();
    if (waiting.length > 0) pass();
  });
}
