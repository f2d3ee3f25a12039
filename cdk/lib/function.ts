/** The common part of both Lambda functions: a program of ours, its role, its log, its traces. */
import { type Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import type { Settings } from './settings.ts';

export interface ProgramProps {
  description: string;
  /** The folder with `bootstrap`. */
  code: string;
  memoryMb: number;
  timeout: Duration;
  environment: Record<string, string>;
  /** The names of the secrets that the function reads below `BASE_SECRET_PATH`. */
  secrets: string[];
  /** Whether the function reads several secrets by one call. */
  readsTogether?: true;
  settings: Settings;
}

export class Program extends Construct {
  readonly function: Function;
  readonly log: LogGroup;

  constructor(scope: Construct, id: string, props: ProgramProps) {
    super(scope, id);
    const { settings } = props;
    this.log = new LogGroup(this, 'Log', {
      retention: settings.logRetentionDays,
      removalPolicy: settings.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    // The function has a role of our own, because the role that Lambda's construct makes may write every log of the
    // account.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.log.grantWrite(role);
    this.function = new Function(this, 'Function', {
      description: props.description,
      runtime: Runtime.PROVIDED_AL2023,
      architecture: settings.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      handler: 'bootstrap',
      code: Code.fromAsset(props.code),
      memorySize: props.memoryMb,
      timeout: props.timeout,
      environment: props.environment,
      tracing: Tracing.ACTIVE,
      logGroup: this.log,
      role,
    });
    const prefix = props.environment['BASE_SECRET_PATH'];
    const secret = (name: string) =>
      Stack.of(this).formatArn({ service: 'ssm', resource: `parameter${prefix}${name}` });
    Grant.addToPrincipal({
      grantee: role,
      actions: ['ssm:GetParameter', ...(props.readsTogether ? ['ssm:GetParameters'] : [])],
      resourceArns: props.secrets.map(secret),
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'X-Ray has no resources: PutTraceSegments and PutTelemetryRecords are granted on * or not at all.',
    });
  }
}
