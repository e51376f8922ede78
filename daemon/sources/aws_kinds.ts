/**
 * The event sources of AWS. The SDK is loaded when the first of them is polled.
 * Walk: pollers → **aws_kinds** → sqs, step_functions.
 * @module
 */
import { activityPolling, sqsPolling } from "./polling.ts";
import type { PolledKind } from "./pollers.ts";

/** Queues of SQS. */
export const sqsKind: PolledKind = {
  polling: (source) => source.sqs && sqsPolling(source),
  async open({ sqs }, { visibilitySeconds }) {
    const { SqsSource } = await import("./sqs.ts");
    return new SqsSource(sqs!, visibilitySeconds);
  },
};

/** Activities of Step Functions; `worker` names this node to them. */
export function activityKind(worker: string): PolledKind {
  return {
    polling: (source) => source.awsstepfunc && activityPolling(source),
    async open({ awsstepfunc }) {
      const { ActivitySource } = await import("./step_functions.ts");
      return new ActivitySource(awsstepfunc!, worker);
    },
  };
}
