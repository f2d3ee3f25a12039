import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';

import { environments } from '../lib/environments.ts';
import { stackOf } from './synth.ts';

test.each(Object.keys(environments))(
  '%s keeps the rules of AwsSolutions, but for what is acknowledged with its reason',
  (environment) => {
    const app = new App();
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    stackOf(environment, {}, app);
    expect(() => app.synth()).not.toThrow();
  },
);
