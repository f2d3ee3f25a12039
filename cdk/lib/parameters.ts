/** The plain parameters that the `henji` command reads of a deployment, beside the secrets, under the same prefix. */
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';

export interface ParametersProps {
  secretPath: string;
  values: Record<
    'QUEUE_URL' | 'DLQ_URL' | 'TABLE_NAME' | 'WEBHOOK_URL' | 'GPT_MODEL' | 'WORKER_TIMEOUT_SECONDS',
    string
  >;
  /** Those that only some environments set. */
  optional: Record<
    | 'OPENAI_BASE_URL'
    | 'TRANSCRIBE_MODEL'
    | 'UTC_OFFSET'
    | 'PROMPT_USD_PER_MILLION'
    | 'CACHED_USD_PER_MILLION'
    | 'COMPLETION_USD_PER_MILLION',
    string | number | undefined
  >;
}

export class Parameters extends Construct {
  constructor(scope: Construct, id: string, props: ParametersProps) {
    super(scope, id);
    for (const [name, stringValue] of Object.entries({ ...props.values, ...props.optional })) {
      if (stringValue === undefined) continue;
      new StringParameter(this, name, {
        parameterName: `${props.secretPath}${name}`,
        stringValue: String(stringValue),
        tier: ParameterTier.STANDARD,
      });
    }
  }
}
