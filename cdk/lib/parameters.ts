/** What the `henji` command reads of a deployment: plain parameters beside the secrets, under the same prefix. */
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';

export interface ParametersProps {
  secretPath: string;
  values: Record<
    'QUEUE_URL' | 'DLQ_URL' | 'TABLE_NAME' | 'WEBHOOK_URL' | 'GPT_MODEL' | 'WORKER_TIMEOUT_SECONDS',
    string
  >;
}

export class Parameters extends Construct {
  constructor(scope: Construct, id: string, props: ParametersProps) {
    super(scope, id);
    for (const [name, stringValue] of Object.entries(props.values)) {
      new StringParameter(this, name, {
        parameterName: `${props.secretPath}${name}`,
        stringValue,
        tier: ParameterTier.STANDARD,
      });
    }
  }
}
