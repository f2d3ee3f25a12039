/** The CDK app: one stack for each environment of lib/environments.ts, with the built functions. */
import { join } from 'node:path';

import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

import { built } from '../lib/built.ts';
import { environments } from '../lib/environments.ts';
import { packed, withPrompt } from '../lib/prompt.ts';
import { checked, SettingError } from '../lib/settings.ts';
import { HenjiStack } from '../lib/stack.ts';

function parsed(settings: string): object {
  try {
    return JSON.parse(settings);
  } catch {
    throw new SettingError('the context "settings" is not JSON: -c settings=\'{"model":"…"}\'');
  }
}

const folder = join(import.meta.dirname, '../../target/lambda');
try {
  const app = new App();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  // `-c environment=dev` takes this environment only, and `-c settings='{"model":"…"}'` changes the settings that it
  // names.
  const chosen: string[] = [app.node.tryGetContext('environment') ?? Object.keys(environments)].flat();
  const changed = parsed(app.node.tryGetContext('settings') ?? '{}');
  for (const environment of chosen) {
    if (!environments[environment]) throw new SettingError(`lib/environments.ts has no environment "${environment}"`);
    const settings = withPrompt(
      join(import.meta.dirname, '..'),
      checked(environment, { ...environments[environment], ...changed }),
    );
    const worker = built(folder, 'worker', settings.architecture);
    const code = {
      ingress: built(folder, 'ingress', settings.architecture),
      worker: settings.promptFile === undefined ? worker : packed(worker, settings.promptFile),
    };
    new HenjiStack(app, `Henji-${environment}`, { environment, settings, code });
  }
  app.synth();
} catch (error) {
  if (!(error instanceof SettingError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
