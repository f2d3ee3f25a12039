/** The stack of one environment: the whole pipeline, from the webhook to the dead letters. */
import { CfnOutput, Duration, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

import { Alarms } from './alarms.ts';
import { Api } from './api.ts';
import { Page } from './dashboard.ts';
import { Ingress } from './ingress.ts';
import { Metrics } from './metrics.ts';
import { Parameters } from './parameters.ts';
import { Jobs } from './queue.ts';
import { parameters, type Settings } from './settings.ts';
import { Messages } from './table.ts';
import { Worker } from './worker.ts';

export interface HenjiProps extends StackProps {
  /** The name of the environment, such as `dev`. By default the table's name and the secrets' path contain it. */
  environment: string;
  settings: Settings;
  /** The folders with the built functions. */
  code: { ingress: string; worker: string };
}

export class HenjiStack extends Stack {
  constructor(scope: Construct, id: string, props: HenjiProps) {
    const { environment, settings, code } = props;
    super(scope, id, {
      env: { account: settings.account, region: settings.region },
      description: `Henji, a LINE bot that always answers: ${environment}`,
      terminationProtection: settings.retain,
    });
    Tags.of(this).add('project', 'henji');
    Tags.of(this).add('environment', environment);

    const secretPath = settings.secretPath ?? `/henji/${environment}/`;
    const messages = new Messages(this, 'Messages', {
      environment,
      retain: settings.retain,
      existingPostfix: settings.existingTablePostfix,
    });
    const metrics = new Metrics(this, 'Metrics');
    const jobs = new Jobs(this, 'Jobs', { workerTimeout: Duration.seconds(settings.workerTimeoutSeconds) });
    const { namespace } = metrics;
    const worker = new Worker(this, 'Worker', { code: code.worker, secretPath, jobs, messages, namespace, settings });
    const queue = jobs.queue;
    const ingress = new Ingress(this, 'Ingress', { code: code.ingress, secretPath, queue, namespace, settings });
    // A worker must know every job that an ingress writes, so the worker is updated first.
    ingress.function.node.addDependency(worker.function);
    const api = new Api(this, 'Api', { ingress: ingress.function, settings });
    const watched = { api: api.api, jobs, ingress, worker, metrics, settings };
    new Alarms(this, 'Alarms', { ...watched, environment });
    const page = new Page(this, 'Page', watched);

    const outputs = {
      WebhookUrl: api.webhookUrl,
      QueueUrl: jobs.queue.queueUrl,
      DeadLetterQueueUrl: jobs.deadLetters.queueUrl,
      TableName: messages.table.tableName,
      SecretPath: secretPath,
      DashboardUrl: `https://${this.region}.console.aws.amazon.com/cloudwatch/home?region=${this.region}#dashboards:name=${page.dashboard.dashboardName}`,
    };
    new Parameters(this, 'Parameters', {
      secretPath,
      values: {
        QUEUE_URL: outputs.QueueUrl,
        DLQ_URL: outputs.DeadLetterQueueUrl,
        TABLE_NAME: outputs.TableName,
        WEBHOOK_URL: outputs.WebhookUrl,
        ...parameters(settings),
      },
    });
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
