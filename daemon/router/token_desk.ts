/**
 * Lends places on instances to proxy workers as tokens, so that concurrency limits stay exact over
 * all threads. A worker's want waits in the router's own queue; what a worker does with its tokens
 * comes back as reports of totals. Walk: remote router ⇒ **token desk** → router → queue.
 *
 * Knows nothing of threads or messages: whoever joins gives a function that delivers orders.
 * @module
 */
import { MaelstromError } from "../../lib/errors.ts";
import type { Instance } from "./instance.ts";
import type { Lender, Router } from "./router.ts";
import type { FailureMessage, LoanReport, TokenNote, TokenOrder } from "./token_messages.ts";

/** One instance's tokens at one worker, in totals since it joined. */
interface Loan {
  readonly router: Router;
  readonly instance: Instance;
  granted: number;
  /** What the instance was told of so far. */
  told: LoanReport;
  /** Requests counted as in progress: reported ones, and tokens that have not arrived yet. */
  inFlight: number;
}

/** A worker that borrows tokens. */
export class Borrower {
  readonly loans = new Map<string, Loan>();
  readonly wants = new Map<number, AbortController>();
  /** Components whose tokens it may keep while nobody waits. */
  readonly keeping = new Set<string>();
  isGone = false;
  #orders: TokenOrder[] = [];
  readonly #deliver: (orders: readonly TokenOrder[]) => void;

  constructor(deliver: (orders: readonly TokenOrder[]) => void) {
    this.#deliver = deliver;
  }

  /** Sends `order` after all earlier ones, with what else is said in this turn. */
  send(order: TokenOrder): void {
    if (this.isGone) return;
    if (this.#orders.length === 0) queueMicrotask(() => this.#flush());
    this.#orders.push(order);
  }

  #flush(): void {
    const orders = this.#orders;
    this.#orders = [];
    if (!this.isGone) this.#deliver(orders);
  }
}

/** Lends tokens of all components' instances. */
export class TokenDesk implements Lender {
  readonly #routerOf: (component: string) => Router;
  readonly #borrowers = new Set<Borrower>();
  readonly #serving = new Map<Router, Set<Instance>>();
  /** Routers that were told to be on. */
  readonly #on = new Set<Router>();

  /** `routerOf` gives the router of a component. */
  constructor(routerOf: (component: string) => Router) {
    this.#routerOf = routerOf;
  }

  /** A worker begins; `deliver` brings orders to it, in order. */
  join(deliver: (orders: readonly TokenOrder[]) => void): Borrower {
    const borrower = new Borrower(deliver);
    this.#borrowers.add(borrower);
    for (const { component } of this.#on) borrower.send({ kind: "serving", component, isOn: true });
    for (const [router, instances] of this.#serving) {
      for (const instance of instances) this.#lendWhole(borrower, router, instance);
    }
    return borrower;
  }

  /** The worker has ended: its wants leave, and its tokens come home. */
  leave(borrower: Borrower): void {
    if (borrower.isGone) return;
    borrower.isGone = true;
    this.#borrowers.delete(borrower);
    for (const waiting of borrower.wants.values()) waiting.abort();
    for (const { router, instance, granted, told, inFlight } of borrower.loans.values()) {
      router.settle(instance, {
        returned: granted - told.returned,
        inFlight: -inFlight,
        requests: 0,
        busyMs: 0,
        lastRequestMs: 0,
      });
    }
    borrower.loans.clear();
  }

  /** Acts on what a worker said, in order. */
  receive(borrower: Borrower, notes: readonly TokenNote[]): void {
    for (const note of notes) {
      if (borrower.isGone) return;
      this.#act(borrower, note);
    }
  }

  contended(component: string): void {
    for (const borrower of this.#borrowers) {
      if (borrower.keeping.delete(component)) borrower.send({ kind: "recall", component });
    }
  }

  joined(router: Router, instance: Instance): void {
    const instances = this.#serving.get(router) ?? new Set();
    this.#serving.set(router, instances.add(instance));
    this.turned(router);
    // Tokens come home once, so that the next ones are of all instances in turn.
    this.contended(router.component);
    for (const borrower of this.#borrowers) this.#lendWhole(borrower, router, instance);
  }

  left(router: Router, instance: Instance): void {
    const instances = this.#serving.get(router);
    instances?.delete(instance);
    for (const borrower of this.#borrowers) {
      if (!borrower.loans.has(instance.id)) continue;
      borrower.send({ kind: "retire", instance: instance.id });
    }
    if (instances?.size === 0) this.#serving.delete(router);
    this.turned(router);
  }

  turned(router: Router): void {
    const isOn = router.state === "on";
    if (isOn === this.#on.has(router)) return;
    if (isOn) this.#on.add(router);
    else this.#on.delete(router);
    for (const borrower of this.#borrowers) {
      borrower.send({ kind: "serving", component: router.component, isOn });
    }
  }

  gone(instance: Instance): void {
    for (const borrower of this.#borrowers) {
      const loan = borrower.loans.get(instance.id);
      if (!loan) continue;
      borrower.send({ kind: "gone", instance: instance.id });
      if (loan.granted === loan.told.returned) borrower.loans.delete(instance.id);
    }
  }

  #act(borrower: Borrower, note: TokenNote): void {
    switch (note.kind) {
      case "loan":
        return this.#settle(borrower, note);
      case "want":
        return this.#want(borrower, note);
      case "leave":
        return borrower.wants.get(note.want)?.abort();
      case "suspend": {
        const loan = borrower.loans.get(note.instance);
        return loan?.router.suspend(loan.instance);
      }
      case "knock": {
        const error = this.#routerOf(note.component).knock();
        const failure = error && { failure: failureOf(error) };
        return borrower.send({ kind: "knocked", knock: note.knock, ...failure });
      }
    }
  }

  #want(borrower: Borrower, note: TokenNote & { kind: "want" }): void {
    const { want, component, waitMs } = note;
    const router = this.#routerOf(component);
    const instance = router.claim();
    if (instance) return this.#grant(borrower, router, instance, want);
    const waiting = new AbortController();
    borrower.wants.set(want, waiting);
    // A wait ends with a value, whatever happens.
    void router.wait(performance.now() + waitMs, waiting.signal).then((wait) => {
      borrower.wants.delete(want);
      if (wait.kind === "instance") {
        // The client or the worker may have left since the place was handed out.
        if (waiting.signal.aborted) return router.giveBack(wait.instance);
        return this.#grant(borrower, router, wait.instance, want);
      }
      const why = wait.kind === "failed"
        ? { kind: wait.kind, failure: failureOf(wait.error) }
        : { kind: wait.kind };
      borrower.send({ kind: "refuse", want, why });
    });
  }

  #grant(borrower: Borrower, router: Router, instance: Instance, want: number): void {
    router.lend(instance, "claimed");
    this.#send(borrower, router, instance, want);
    if (this.#serving.get(router)?.has(instance)) return;
    // It left the rotation while the place was on its way here.
    borrower.send({ kind: "retire", instance: instance.id });
  }

  /** An instance without a limit is lent to every worker, so that they use all in turn. */
  #lendWhole(borrower: Borrower, router: Router, instance: Instance): void {
    if (instance.admits !== Infinity) return;
    router.lend(instance, "whole");
    this.#send(borrower, router, instance);
  }

  #send(borrower: Borrower, router: Router, instance: Instance, want?: number): void {
    const { id, address, admits } = instance;
    const told: LoanReport = { ...NOTHING, instance: id };
    const known = borrower.loans.get(id);
    const loan = known ?? { router, instance, granted: 0, told, inFlight: 0 };
    const keep = router.queued === 0;
    if (keep) borrower.keeping.add(router.component);
    else borrower.keeping.delete(router.component);
    borrower.send({
      kind: "grant",
      component: router.component,
      instance: id,
      ...(known ? {} : { address }),
      isSoft: admits === Infinity,
      keep,
      ...(want === undefined ? {} : { want }),
    });
    borrower.loans.set(id, loan);
    loan.granted += 1;
    this.#tell(borrower, loan, loan.told);
  }

  #settle(borrower: Borrower, report: LoanReport): void {
    const loan = borrower.loans.get(report.instance);
    // Once all tokens of an instance that is gone are home, nobody asks any longer.
    if (loan) this.#tell(borrower, loan, report);
  }

  #tell(borrower: Borrower, loan: Loan, report: LoanReport): void {
    const { router, instance, granted, told } = loan;
    // A token on its way is about to be used.
    const inFlight = report.inFlight + granted - report.arrived;
    const change = inFlight - loan.inFlight;
    loan.told = report;
    loan.inFlight = inFlight;
    if (router.instance(instance.id) !== instance && granted === report.returned) {
      borrower.loans.delete(instance.id);
    }
    router.settle(instance, {
      returned: report.returned - told.returned,
      inFlight: change,
      requests: report.requests - told.requests,
      busyMs: report.busyMs - told.busyMs,
      lastRequestMs: report.lastRequestMs,
    });
  }
}

const NOTHING: Omit<LoanReport, "instance"> = {
  kind: "loan",
  arrived: 0,
  returned: 0,
  inFlight: 0,
  requests: 0,
  busyMs: 0,
  lastRequestMs: 0,
};

/** `error` in a form that crosses threads. */
function failureOf({ code, message, detail }: MaelstromError): FailureMessage {
  return { code, message, ...(detail ? { detail } : {}) };
}

/** The error that a failure stands for. */
export function errorOf({ code, message, detail }: FailureMessage): MaelstromError {
  return new MaelstromError(code, message, detail);
}
