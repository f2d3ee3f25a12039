/** The function of stage one. It may read the channel secret and send to the queue, and nothing else. */
import { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { Program } from './function.ts';
import { ingressVariables, type Settings } from './settings.ts';

export interface IngressProps {
  code: string;
  secretPath: string;
  queue: IQueue;
  /** The namespace of the function's metrics. */
  namespace: string;
  settings: Settings;
}

export class Ingress extends Program {
  constructor(scope: Construct, id: string, props: IngressProps) {
    super(scope, id, {
      description: 'Henji: takes a webhook, verifies its signature, queues its messages, answers 200',
      code: props.code,
      settings: props.settings,
      memoryMb: props.settings.ingressMemoryMb,
      // LINE waits for two seconds. The function takes at most 1.5 s after its start. The rest is for a cold start.
      timeout: Duration.seconds(5),
      environment: {
        BASE_SECRET_PATH: props.secretPath,
        QUEUE_URL: props.queue.queueUrl,
        METRICS_NAMESPACE: props.namespace,
        ...ingressVariables(props.settings),
      },
      secrets: ['LINE_CHANNEL_SECRET'],
    });
    props.queue.grant(this.function, 'sqs:SendMessage');
  }
}
