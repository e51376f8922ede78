/**
 * Fairness between bodies and heads: so many pieces of bodies and tunnels are passed on at a time,
 * then whatever else has arrived has its turn. A thousand connections that say something in the same
 * moment hold up a request among them for one share, not for all.
 * @module
 */

/** Pieces passed on before others have their turn. */
const SHARE = 64;
/** Pieces after which the next turn is asked for, so that it comes no later than the share ends. */
const ASK_AFTER = 16;

let passed = 0;
let isAsked = false;
// No more than connections: each has one piece at a time in each direction.
let waiting: (() => void)[] = [];

/** Waits for a turn to pass a piece on; undefined when it may go at once. */
export function pieceTurn(): Promise<void> | undefined {
  if (passed >= SHARE) return new Promise((resolve) => waiting.push(resolve));
  passed++;
  if (passed >= ASK_AFTER) ask();
  return undefined;
}

/** A timer, because sockets are looked at before one fires; an immediate comes before them. */
function ask(): void {
  if (isAsked) return;
  isAsked = true;
  setTimeout(begin, 0);
}

function begin(): void {
  isAsked = false;
  const share = waiting.slice(0, SHARE);
  waiting = waiting.slice(SHARE);
  passed = share.length;
  if (passed >= ASK_AFTER) ask();
  for (const go of share) go();
}
