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
    // Each of the two queues names the other, which CloudFormation cannot resolve by itself: the dead-letter queue
    // knows the queue by this name, the only one beside the table's.
    const queueName = `${stack.stackName}-jobs.fifo`;
    const common = {
      fifo: true,
      // Conversations do not share a throughput limit, nor deduplication: 3,000 messages a second become more.
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // The longest there is: a fault over a long holiday loses nothing.
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
      // A job must not come again while its worker lives. The worker shortens this to LEASE_SECONDS as soon as
      // it runs, so this only counts for a worker that dies before it does.
      visibilityTimeout: props.workerTimeout.plus(Duration.seconds(60)),
      // The worker dead-letters by itself, with a reason, after MAX_ATTEMPTS. This count is for jobs that kill the
      // worker before it can record anything. It is as high as SQS allows, because a job that is handed back without
      // an attempt counts here too: with the worker's pauses (worker/src/lambda/receive_pause.rs) a table that refuses
      // for days makes no dead letter.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 1000 },
    });
  }
}
