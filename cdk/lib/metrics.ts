/**
 * The metrics of the functions. The functions write them themselves, in CloudWatch's embedded format.
 * shared/src/metrics/rules.rs says how each metric is made, and a test compares the names.
 */
import { type Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';

/** The names of the metrics. A metric with a dimension has a series for each value of it. */
export const names = [
  'AckMs',
  'Webhooks',
  'RefusedSignatures',
  'Accepted',
  'Turns',
  'QueueMs',
  'TurnMs',
  'Answered',
  'Noticed',
  'Handoffs',
  'TriedAgain',
  'ModelErrors',
  'StorageErrors',
  'DeadLettered',
  'ActionableDeadLetters',
  'ModelMs',
  'FallbackAnswers',
  'PromptTokens',
  'CachedTokens',
  'CacheWrittenTokens',
  'CompletionTokens',
  'CostUsd',
  'Sends',
  'LineMessagesLeft',
] as const;

export class Metrics extends Construct {
  /** The value of the functions' variable `METRICS_NAMESPACE`. */
  readonly namespace = Stack.of(this).stackName;

  /** Returns the metric of this name. */
  metric(metricName: (typeof names)[number], statistic: string, period: Duration): Metric {
    return new Metric({ namespace: this.namespace, metricName, statistic, period });
  }
}
