/** The function of stage two. It gets jobs from the queue, answers them, and writes dead letters. */
import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';

import { Program } from './function.ts';
import { PROMPT_PATH } from './prompt.ts';
import type { Jobs } from './queue.ts';
import { type Settings, workerVariables } from './settings.ts';
import type { Messages } from './table.ts';

export interface WorkerProps {
  code: string;
  secretPath: string;
  jobs: Jobs;
  messages: Messages;
  /** The namespace of the function's metrics. */
  namespace: string;
  settings: Settings;
}

export class Worker extends Program {
  constructor(scope: Construct, id: string, props: WorkerProps) {
    const { jobs, messages, settings } = props;
    super(scope, id, {
      description: 'Henji: takes a job, asks the model, keeps the answer, pushes it',
      code: props.code,
      settings,
      memoryMb: settings.workerMemoryMb,
      timeout: Duration.seconds(settings.workerTimeoutSeconds),
      environment: {
        BASE_SECRET_PATH: props.secretPath,
        QUEUE_URL: jobs.queue.queueUrl,
        DLQ_URL: jobs.deadLetters.queueUrl,
        DB_TABLE_NAME_POSTFIX: messages.postfix,
        METRICS_NAMESPACE: props.namespace,
        ...workerVariables(settings),
        ...(settings.promptFile !== undefined && { SYSTEM_PROMPT_FILE: PROMPT_PATH }),
      },
      secrets: ['LINE_CHANNEL_ACCESS_TOKEN', 'OPEN_AI_API_KEY'],
      readsTogether: true,
    });
    messages.grantTurns(this.function);
    jobs.deadLetters.grant(this.function, 'sqs:SendMessage');
    // The worker itself sends heartbeats (worker/src/lambda/heartbeat.rs), and deletes messages that are done before
    // the batch ends. The event source acts under this role, too: it receives, and reads the queue's attributes.
    const consume = ['ReceiveMessage', 'GetQueueAttributes', 'DeleteMessage', 'ChangeMessageVisibility'];
    const consuming = jobs.queue.grant(this.function, ...consume.map((action) => `sqs:${action}`));
    const source = this.function.addEventSourceMapping('Jobs', {
      eventSourceArn: jobs.queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      maxConcurrency: settings.maxConcurrency,
    });
    consuming.applyBefore(source);
  }
}
