/** The plain parameters of a deployment, for the `henji` command. They have the same prefix as the secrets. */
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';

export interface ParametersProps {
  secretPath: string;
  values: Record<string, string>;
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
