/**
 * The dashboard: one page that an operator reads from the top, also at three in the morning. It shows whether LINE is
 * answered, whether jobs pile up, and which part fails.
 */
import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';

import type { Program } from './function.ts';
import type { Metrics } from './metrics.ts';
import type { Jobs } from './queue.ts';
import type { Settings } from './settings.ts';

export interface PageProps {
  api: HttpApi;
  jobs: Jobs;
  ingress: Program;
  worker: Program;
  metrics: Metrics;
  settings: Settings;
}

const PERIOD = Duration.minutes(5);

export class Page extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, props: PageProps) {
    super(scope, id);
    const { api, jobs, ingress, worker, metrics, settings } = props;
    const told = (name: Parameters<Metrics['metric']>[0], statistic = 'Sum') => metrics.metric(name, statistic, PERIOD);
    const max = { statistic: 'Maximum', period: PERIOD };
    const sum = { statistic: 'Sum', period: PERIOD };
    const graph = (title: string, ...left: IMetric[]) =>
      new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 } });
    // The search finds all reasons, also those of a later build.
    const reasons = new MathExpression({
      expression: `SEARCH('{"${metrics.namespace}",Reason} MetricName="DeadLettered"', 'Sum', ${PERIOD.toSeconds()})`,
      usingMetrics: {},
      label: '',
      period: PERIOD,
    });
    this.dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(6) });
    this.dashboard.addWidgets(
      new TextWidget({
        width: 24,
        height: 2,
        markdown: `**${metrics.namespace}** LINE → API → ingress → queue → worker → LINE. A growing age of the oldest job means that somebody waits. What each reason of a dead letter means is in docs/operations.md. Logs: \`${ingress.log.logGroupName}\`, \`${worker.log.logGroupName}\`.`,
      }),
    );
    this.dashboard.addWidgets(
      new SingleValueWidget({
        title: 'Now',
        width: 24,
        height: 3,
        metrics: [
          jobs.deadLetters.metricApproximateNumberOfMessagesVisible({ ...max, label: 'dead letters' }),
          jobs.queue.metricApproximateAgeOfOldestMessage({ ...max, label: 'oldest job, s' }),
          jobs.queue.metricApproximateNumberOfMessagesVisible({ ...max, label: 'waiting jobs' }),
          told('LineMessagesLeft', 'Minimum').with({ label: 'LINE messages left', period: Duration.hours(1) }),
        ],
      }),
    );
    this.dashboard.addWidgets(
      graph(
        'Webhook, ms',
        api.metricLatency({ statistic: 'p99', period: PERIOD }),
        api.metricLatency({ statistic: 'p50', period: PERIOD }),
      ),
      graph(
        'Webhooks and what LINE was told',
        api.metricCount(sum),
        api.metricClientError(sum),
        api.metricServerError(sum),
        told('RefusedSignatures'),
      ),
      graph(
        'Queue: waiting, in work',
        jobs.queue.metricApproximateNumberOfMessagesVisible(max),
        jobs.queue.metricApproximateNumberOfMessagesNotVisible(max),
      ),
    );
    this.dashboard.addWidgets(
      graph('Turns by outcome', told('Accepted'), told('Answered'), told('Noticed'), told('TriedAgain')),
      graph('Dead letters by reason', reasons),
      graph('Age of the oldest job, s', jobs.queue.metricApproximateAgeOfOldestMessage(max)),
    );
    this.dashboard.addWidgets(
      graph('Model, ms', told('ModelMs', 'p50'), told('ModelMs', 'p99')),
      graph('Waiting for a worker, ms', told('QueueMs', 'p50'), told('QueueMs', 'p99')),
      graph('Model and table: errors', told('ModelErrors'), told('StorageErrors')),
      graph('Worker: errors, throttles', worker.function.metricErrors(sum), worker.function.metricThrottles(sum)),
    );
    this.dashboard.addWidgets(
      graph('Tokens', told('PromptTokens'), told('CachedTokens'), told('CompletionTokens')),
      ...(settings.promptUsdPerMillion === undefined ? [] : [graph(`${settings.model}, USD`, told('CostUsd'))]),
      graph(
        'Worker, ms',
        worker.function.metricDuration(max),
        worker.function.metricDuration({ statistic: 'p50', period: PERIOD }),
      ),
    );
  }
}
