/**
 * What the functions tell, as metrics: each is a filter over the log lines that a function writes for it. How a
 * figure comes out of a function is known in this file only.
 */
import { type Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type JsonPattern, type LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface MetricsProps {
  ingressLog: LogGroup;
  workerLog: LogGroup;
}

const { all, any, numberValue, stringValue } = FilterPattern;
/** The line that says this. */
const line = (message: string) => stringValue('$.message', '=', message);

export class Metrics extends Construct {
  readonly namespace = Stack.of(this).stackName;
  private readonly props: MetricsProps;

  constructor(scope: Construct, id: string, props: MetricsProps) {
    super(scope, id);
    this.props = props;
    const { ingressLog, workerLog } = props;
    this.counts('RefusedSignatures', ingressLog, line('refused a webhook: its signature is missing or wrong'));
    this.counts('Accepted', ingressLog, line('accepted'));
    this.counts('Answered', workerLog, line('answered'));
    this.counts('Noticed', workerLog, line('noticed'));
    this.counts('TriedAgain', workerLog, line('to be tried again'));
    this.counts('DeadLettered', workerLog, line('dead-lettered'), '$.reason');
    // A question that the model declines is no fault of it.
    const failed = any(line('to be tried again'), line('dead-lettered'));
    this.counts(
      'ModelErrors',
      workerLog,
      all(failed, stringValue('$.reason', '=', 'model_*'), stringValue('$.reason', '!=', 'model_refused')),
    );
    this.reads('ModelMs', 'the model answered', '$.model_ms');
    this.reads('PromptTokens', 'the model answered', '$.prompt_tokens');
    this.reads('CompletionTokens', 'the model answered', '$.completion_tokens');
    this.reads('LineMessagesLeft', 'LINE messages of this month', '$.left');
  }

  /** A figure by its name above. */
  metric(metricName: string, statistic: string, period: Duration): Metric {
    if (!this.node.tryFindChild(metricName)) throw new Error(`there is no metric ${metricName}`);
    return new Metric({ namespace: this.namespace, metricName, statistic, period });
  }

  private counts(metricName: string, logGroup: LogGroup, filterPattern: JsonPattern, reason?: string): void {
    const dimensions = reason === undefined ? undefined : { Reason: reason };
    new MetricFilter(this, metricName, {
      logGroup,
      filterPattern,
      metricNamespace: this.namespace,
      metricName,
      metricValue: '1',
      dimensions,
    });
  }

  private reads(metricName: string, message: string, metricValue: string): void {
    // A number must be matched as one: CDK's `exists` compares it with a string.
    const filterPattern = all(line(message), numberValue(metricValue, '>=', 0));
    new MetricFilter(this, metricName, {
      logGroup: this.props.workerLog,
      filterPattern,
      metricNamespace: this.namespace,
      metricName,
      metricValue,
    });
  }
}
