import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';

import { environments } from '../lib/environments.ts';
import { functionOf, resources, templateOf } from './synth.ts';

describe('an environment', () => {
  const dev = templateOf('dev');
  const prod = templateOf('prod');

  test.each(Object.keys(environments))('%s is as it was', (environment) => {
    expect(templateOf(environment).toJSON()).toMatchSnapshot();
  });

  test('what holds data keeps its logical id: another one would be another, empty one', () => {
    const stateful = ['AWS::DynamoDB::Table', 'AWS::SQS::Queue'].flatMap((type) => Object.keys(resources(prod, type)));
    expect(stateful).toEqual(['MessagesTable9E4E97A0', 'JobsDeadLetters8D991969', 'JobsQueue24944186']);
  });

  test('the queue is FIFO with a throughput for each conversation, and a wide net below the worker', () => {
    dev.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'Henji-dev-jobs.fifo',
      FifoQueue: true,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      SqsManagedSseEnabled: true,
      VisibilityTimeout: 360,
      MessageRetentionPeriod: 1_209_600,
      RedrivePolicy: { maxReceiveCount: 1000, deadLetterTargetArn: Match.anyValue() },
    });
    dev.hasResourceProperties('AWS::SQS::Queue', {
      FifoQueue: true,
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 1_209_600,
      RedriveAllowPolicy: {
        redrivePermission: 'byQueue',
        sourceQueueArns: [{ 'Fn::Join': ['', Match.arrayWith([':Henji-dev-jobs.fifo'])] }],
      },
    });
    const denials = Object.values(resources(dev, 'AWS::SQS::QueuePolicy')).flatMap(
      (policy) => policy.Properties['PolicyDocument'].Statement,
    );
    expect(
      denials.filter((denial) => denial.Effect === 'Deny' && denial.Condition.Bool['aws:SecureTransport'] === 'false'),
    ).toHaveLength(2);
  });

  test("the table has the contract's schema, and survives its stack in prod only", () => {
    const schema = {
      TableName: 'Messages-prod',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      DeletionProtectionEnabled: true,
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byLineUserId',
          KeySchema: [
            { AttributeName: 'lineUserId', KeyType: 'HASH' },
            { AttributeName: 'createdAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    };
    prod.hasResource('AWS::DynamoDB::Table', {
      Properties: schema,
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
    dev.hasResource('AWS::DynamoDB::Table', {
      Properties: { DeletionProtectionEnabled: false },
      DeletionPolicy: 'Delete',
    });
  });

  test('an adopted table is not made, and the worker writes to it', () => {
    const adopting = templateOf('prod', {
      existingTablePostfix: '-abc123-main',
      secretPath: '/amplify/abc123/main/AMPLIFY_bot_',
    });
    adopting.resourceCountIs('AWS::DynamoDB::Table', 0);
    expect(functionOf(adopting, 'Worker').Properties['Environment'].Variables).toMatchObject({
      DB_TABLE_NAME_POSTFIX: '-abc123-main',
      BASE_SECRET_PATH: '/amplify/abc123/main/AMPLIFY_bot_',
    });
    adopting.hasResourceProperties('AWS::SSM::Parameter', {
      Name: '/amplify/abc123/main/AMPLIFY_bot_TABLE_NAME',
      Value: 'Messages-abc123-main',
    });
    const policies = JSON.stringify(resources(adopting, 'AWS::IAM::Policy'));
    expect(policies).toContain(':table/Messages-abc123-main/index/byLineUserId');
    expect(policies).toContain(':parameter/amplify/abc123/main/AMPLIFY_bot_LINE_CHANNEL_SECRET');
  });

  test('the worker is brought batches of ten, reports what failed, and is updated before the ingress', () => {
    dev.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
    const workers = Object.keys(resources(dev, 'AWS::Lambda::Function')).filter((id) =>
      id.startsWith('WorkerFunction'),
    );
    expect(functionOf(dev, 'Ingress').DependsOn).toEqual(expect.arrayContaining(workers));
    expect(functionOf(dev, 'Worker').Properties).toMatchObject({
      Runtime: 'provided.al2023',
      Architectures: ['arm64'],
      Timeout: 300,
    });
    expect(functionOf(dev, 'Ingress').Properties).toMatchObject({
      Runtime: 'provided.al2023',
      Architectures: ['arm64'],
      Timeout: 5,
    });
  });

  test('the API has one route, a throttle, and a log without bodies, headers or addresses', () => {
    dev.resourceCountIs('AWS::ApiGatewayV2::Route', 1);
    dev.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'POST /v1/line/bot/message/reply' });
    const [stage] = Object.values(resources(dev, 'AWS::ApiGatewayV2::Stage'));
    expect(stage!.Properties['DefaultRouteSettings']).toEqual({ ThrottlingBurstLimit: 100, ThrottlingRateLimit: 50 });
    const format = JSON.parse(stage!.Properties['AccessLogSettings'].Format);
    expect(Object.keys(format)).toContain('status');
    expect(JSON.stringify(format)).not.toMatch(/body|header|identity|authorizer/i);
  });

  test('each alarm says what it means, and reaches the topic when it begins and when it ends', () => {
    const alarms = Object.values(resources(dev, 'AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(13);
    for (const { Properties: alarm } of alarms) {
      expect(alarm['AlarmDescription'].length).toBeGreaterThan(30);
      expect(alarm['AlarmActions']).toHaveLength(1);
      expect(alarm['OKActions']).toEqual(alarm['AlarmActions']);
    }
    const told = templateOf('dev', { alarmEmail: 'me@example.com' });
    told.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'me@example.com' });
    dev.resourceCountIs('AWS::SNS::Subscription', 0);
    dev.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
          }),
        ]),
      },
    });
  });

  test('dead letters ring when they are new, whoever wrote them, and again before SQS deletes them', () => {
    const alarms = Object.entries(resources(prod, 'AWS::CloudWatch::Alarm'));
    const of = (name: string) =>
      alarms.find(([id]) => new RegExp(`^Alarms${name}[0-9A-F]{8}$`).test(id))![1].Properties;
    // The alarm does not watch the depth: letters stay for two weeks, and an alarm sends no mail while it lasts.
    expect(of('DeadLetters')).toMatchObject({
      MetricName: 'ActionableDeadLetters',
      Statistic: 'Sum',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
    });
    const metrics = of('DeadLettersBySqs')['Metrics'];
    expect(metrics.find(({ Expression }: { Expression?: string }) => Expression)).toMatchObject({
      Expression: expect.stringContaining('DIFF(FILL(visible, 0))'),
    });
    const watched = metrics.flatMap(({ MetricStat }: { MetricStat?: { Metric: { MetricName: string } } }) =>
      MetricStat ? [MetricStat.Metric.MetricName] : [],
    );
    expect(watched.sort()).toEqual(['ApproximateNumberOfMessagesVisible', 'NumberOfMessagesSent']);
    expect(of('DeadLettersOld')).toMatchObject({
      MetricName: 'ApproximateAgeOfOldestMessage',
      Threshold: 10 * 24 * 60 * 60,
    });
    for (const name of ['DeadLetters', 'DeadLettersBySqs', 'DeadLettersOld']) {
      expect(of(name)['AlarmDescription']).toContain('henji dlq list --env prod');
    }
  });

  test('the command finds what it needs as plain parameters beside the secrets', () => {
    const names = Object.values(resources(dev, 'AWS::SSM::Parameter')).map(({ Properties }) => [
      Properties['Name'],
      Properties['Type'],
    ]);
    expect(names.sort()).toEqual(
      [
        'COMPLETION_USD_PER_MILLION',
        'DLQ_URL',
        'GPT_MODEL',
        'PROMPT_USD_PER_MILLION',
        'QUEUE_URL',
        'TABLE_NAME',
        'WEBHOOK_URL',
        'WORKER_TIMEOUT_SECONDS',
      ].map((name) => [`/henji/dev/${name}`, 'String']),
    );
  });
});
