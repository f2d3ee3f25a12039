/** The HTTP API: one route, throttled, with an access log that holds no bodies and no signatures. */
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import type { Settings } from './settings.ts';

/** The path of the webhook, to which LINE posts. */
const PATH = '/v1/line/bot/message/reply';

export interface ApiProps {
  ingress: IFunction;
  settings: Settings;
}

export class Api extends Construct {
  readonly api: HttpApi;
  readonly webhookUrl: string;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    const { settings } = props;
    this.api = new HttpApi(this, 'Http', {
      createDefaultStage: false,
      description: 'Henji: the webhook that LINE posts to',
    });
    const [route] = this.api.addRoutes({
      path: PATH,
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration('Ingress', props.ingress, { timeout: Duration.seconds(5) }),
    });
    const log = new LogGroup(this, 'AccessLog', {
      retention: settings.logRetentionDays,
      removalPolicy: settings.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    const fields = [
      'requestId',
      'requestTime',
      'routeKey',
      'status',
      'responseLatency',
      'integrationLatency',
      'integrationErrorMessage',
      'responseLength',
    ];
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: settings.throttleRate, burstLimit: settings.throttleBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(log),
        format: AccessLogFormat.custom(
          JSON.stringify(Object.fromEntries(fields.map((field) => [field, `$context.${field}`]))),
        ),
      },
    });
    this.webhookUrl = `${stage.url.replace(/\/$/, '')}${PATH}`;
    Validations.of(route!).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'LINE cannot sign for an authorizer: the function checks the signature of every request over its raw bytes.',
    });
  }
}
