/**
 * What the functions tell, as metrics: they write them themselves, in CloudWatch's embedded format. How a figure is
 * made is known in shared/src/metrics/rules.rs; a test holds the names together.
 */
import { type Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';

/** The figures; those with a dimension are series by it. */
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
  'TriedAgain',
  'ModelErrors',
  'StorageErrors',
  'DeadLettered',
  'ActionableDeadLetters',
  'ModelMs',
  'PromptTokens',
  'CachedTokens',
  'CompletionTokens',
  'CostUsd',
  'Sends',
  'LineMessagesLeft',
] as const;

export class Metrics extends Construct {
  /** The functions' `METRICS_NAMESPACE`. */
  readonly namespace = Stack.of(this).stackName;

  /** A figure by its name. */
  metric(metricName: (typeof names)[number], statistic: string, period: Duration): Metric {
    return new Metric({ namespace: this.namespace, metricName, statistic, period });
  }
}
