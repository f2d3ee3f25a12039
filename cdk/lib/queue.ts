/** The queue of jobs and its dead-letter queue. */
import { Duration, Stack } from 'aws-cdk-lib';
import {
  DeduplicationScope,
  FifoThroughputLimit,
  Queue,
  QueueEncryption,
  RedrivePermission,
} from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface JobsProps {
  workerTimeout: Duration;
}

export class Jobs extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: JobsProps) {
    super(scope, id);
    const stack = Stack.of(this);
    // Each of the two queues names the other, and CloudFormation cannot resolve that by itself. So the queue has a
    // fixed name, as the table and the parameters have, and the dead-letter queue refers to it by this name.
    const queueName = `${stack.stackName}-jobs.fifo`;
    const common = {
      fifo: true,
      // Each conversation has its own throughput limit and its own deduplication, so that the queue takes more than
      // 3,000 messages a second.
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // The longest time that SQS allows, so that a fault over a long holiday loses nothing.
      retentionPeriod: Duration.days(14),
    };
    this.deadLetters = new Queue(this, 'DeadLetters', {
      ...common,
      redriveAllowPolicy: {
        redrivePermission: RedrivePermission.BY_QUEUE,
        sourceQueues: [Queue.fromQueueArn(this, 'Source', stack.formatArn({ service: 'sqs', resource: queueName }))],
      },
    });
    this.queue = new Queue(this, 'Queue', {
      ...common,
      queueName,
      // A job must not come again while its worker runs. The worker replaces this time by LEASE_SECONDS as soon as it
      // runs, so this time counts only if a worker ends before that.
      visibilityTimeout: props.workerTimeout.plus(Duration.seconds(60)),
      // The worker itself makes a job a dead letter, with a reason, after MAX_ATTEMPTS. This count is for jobs that
      // crash the worker before it can record anything. It is as high as SQS allows, because it also counts a job that
      // is handed back without an attempt. Together with the worker's pauses (worker/src/lambda/receive_pause.rs) it
      // ensures that a table that refuses for days makes no dead letter.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 1000 },
    });
  }
}
