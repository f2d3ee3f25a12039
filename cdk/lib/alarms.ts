/**
 * The alarms. Each description says what to do first, and docs/operations.md says the rest. An alarm sends mail only
 * when it begins and when it ends. So each alarm watches for something new, and ends by itself.
 */
import { Aws, Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

import type { Program } from './function.ts';
import type { Metrics } from './metrics.ts';
import type { Jobs } from './queue.ts';
import type { Settings } from './settings.ts';

export interface AlarmsProps {
  api: HttpApi;
  jobs: Jobs;
  worker: Program;
  metrics: Metrics;
  settings: Settings;
  /** The name by which `henji` knows the deployment. */
  environment: string;
}

interface When {
  metric: IMetric;
  /** The limit: the alarm begins at this value or above it, or with `below` at this value or under it. */
  threshold: number;
  below?: true;
  /** The alarm begins if so many of the last periods (`of`) are bad (`bad`); at the first bad one if it is not set. */
  periods?: { of: number; bad: number };
  missing?: TreatMissingData;
  means: string;
}

export class Alarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { api, jobs, worker, metrics, settings, environment } = props;
    this.topic = new Topic(this, 'Topic', { enforceSSL: true });
    // The policy of `enforceSSL` replaces the default policy, which lets the account's own alarms publish.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    if (settings.alarmEmail) this.topic.addSubscription(new EmailSubscription(settings.alarmEmail));

    const minute = Duration.minutes(1);
    const minutes = Duration.minutes(5);
    const sum = { statistic: 'Sum', period: minutes };
    const timeoutMs = settings.workerTimeoutSeconds * 1000;
    const list = `henji dlq list --env ${environment}`;
    const alarms: Record<string, When> = {
      DeadLetters: {
        metric: metrics.metric('ActionableDeadLetters', 'Sum', minutes),
        threshold: 1,
        means: `Messages were given up. See why: ${list}. docs/operations.md says what to do about each reason.`,
      },
      DeadLettersBySqs: {
        metric: movedBySqs(jobs, minutes),
        threshold: 1,
        // A difference needs the value of the period before.
        periods: { of: 3, bad: 1 },
        means: `SQS gave messages up by itself, because no worker could begin them for days: ${list} --reason not_recorded. Mend the worker or the table, then redrive.`,
      },
      DeadLettersOld: {
        metric: jobs.deadLetters.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: minutes }),
        threshold: Duration.days(10).toSeconds(),
        means: `A dead letter is ten days old, and SQS deletes it after fourteen: ${list} --older-than 9d. Then redrive, resolve or purge.`,
      },
      OldestJob: {
        // The time of two whole attempts and of the pauses before the first retries. A job that waits longer is not
        // just slow.
        metric: jobs.queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: minute }),
        threshold: 2 * settings.workerTimeoutSeconds + 300,
        means: 'Somebody waits for an answer for too long: the model fails, or there are too few workers.',
      },
      WebhookErrors: {
        metric: api.metricServerError(sum),
        threshold: 1,
        means:
          'LINE was told 5xx: the queue or the ingress fails. LINE delivers again only if webhook redelivery is on.',
      },
      WebhookSlow: {
        metric: api.metricLatency({ statistic: 'p99', period: minutes }),
        threshold: 1500,
        periods: { of: 3, bad: 2 },
        means: 'The webhook answers late: LINE gives up after two seconds.',
      },
      RefusedSignatures: {
        metric: metrics.metric('RefusedSignatures', 'Sum', minutes),
        threshold: 20,
        means: 'Webhooks with wrong signatures: the channel secret was reissued and not stored, or a stranger tries.',
      },
      WorkerErrors: {
        metric: worker.function.metricErrors(sum),
        threshold: 1,
        means: 'The worker died or did not start. See its log: a missing setting is named there.',
      },
      WorkerThrottled: {
        metric: worker.function.metricThrottles(sum),
        threshold: 1,
        means: "Lambda runs no more workers: the account's concurrency is used up.",
      },
      WorkerSlow: {
        metric: worker.function.metricDuration({ statistic: 'Maximum', period: minutes }),
        threshold: 0.9 * timeoutMs,
        periods: { of: 3, bad: 2 },
        means:
          'Workers come near their time-out: the model is slow. Raise workerTimeoutSeconds or take a faster model.',
      },
      StorageErrors: {
        metric: metrics.metric('StorageErrors', 'Sum', minutes),
        threshold: 5,
        means:
          'The table refuses or does not answer: see detail in the log of the worker. Messages wait meanwhile, in order.',
      },
      ModelErrors: {
        metric: metrics.metric('ModelErrors', 'Sum', minutes),
        threshold: 5,
        means: 'The model fails: see status, key and budget in the log of the worker.',
      },
      LineMessagesLow: {
        metric: metrics.metric('LineMessagesLeft', 'Minimum', Duration.hours(1)),
        threshold: settings.lineMessagesLow,
        below: true,
        // The worker logs the number when somebody writes (worker/src/lambda/month_quota.rs). Until then the alarm
        // keeps its state.
        missing: TreatMissingData.IGNORE,
        means:
          "The month's LINE messages come to an end. Without a larger plan, answers become dead letters (line_quota).",
      },
    };
    const action = new SnsAction(this.topic);
    for (const [name, when] of Object.entries(alarms)) {
      const alarm = new Alarm(this, name, {
        alarmDescription: when.means,
        metric: when.metric,
        threshold: when.threshold,
        comparisonOperator: when.below
          ? ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: when.periods?.of ?? 1,
        datapointsToAlarm: when.periods?.bad ?? 1,
        treatMissingData: when.missing ?? TreatMissingData.NOT_BREACHING,
      });
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
  }
}

/**
 * Returns the growth of the dead-letter queue beyond the messages that were sent to it. SQS does not count as sent the
 * messages that it moves by itself (AWS: "Creating alarms for dead-letter queues"). An empty queue that nobody uses has
 * no values, which count as zero here. The depth may follow a period later, so the messages that were sent in the
 * period before are subtracted as well: `2 * sent - DIFF(sent)` is the sum of both periods.
 */
function movedBySqs({ deadLetters }: Jobs, period: Duration): MathExpression {
  return new MathExpression({
    expression: 'DIFF(FILL(visible, 0)) - (2 * FILL(sent, 0) - DIFF(FILL(sent, 0)))',
    usingMetrics: {
      visible: deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period }),
      sent: deadLetters.metricNumberOfMessagesSent({ statistic: 'Sum', period }),
    },
    period,
  });
}
