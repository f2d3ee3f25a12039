/** A stack as it is deployed, with an empty script in place of the built functions. */
import { join } from 'node:path';

import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

import { environments } from '../lib/environments.ts';
import { checked, type Settings } from '../lib/settings.ts';
import { HenjiStack } from '../lib/stack.ts';

const folder = join(import.meta.dirname, 'functions');

export function stackOf(environment: string, changed: Partial<Settings> = {}, app = new App()): HenjiStack {
  const settings = checked(environment, { ...environments[environment]!, ...changed });
  return new HenjiStack(app, `Henji-${environment}`, {
    environment,
    settings,
    code: { ingress: folder, worker: folder },
  });
}

export function templateOf(environment: string, changed: Partial<Settings> = {}): Template {
  return Template.fromStack(stackOf(environment, changed));
}

export interface Resource {
  Type: string;
  Properties: Record<string, any>;
  DependsOn?: string[];
}

/** Returns the resources of one type, by logical id. */
export function resources(template: Template, type: string): Record<string, Resource> {
  return template.findResources(type) as Record<string, Resource>;
}

/** Returns the Lambda function of the construct with this name. */
export function functionOf(template: Template, name: 'Ingress' | 'Worker'): Resource {
  const [, found] = Object.entries(resources(template, 'AWS::Lambda::Function')).find(([id]) =>
    id.startsWith(`${name}Function`),
  )!;
  return found;
}
