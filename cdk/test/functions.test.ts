/**
 * The deployment and the functions agree. The stories observe the variables that the programs require and the calls
 * that they make (variables.txt, calls.txt), and the constructs set and grant exactly these.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { names } from '../lib/metrics.ts';
import { functionOf, resources, templateOf } from './synth.ts';

const template = templateOf('dev');
const root = join(import.meta.dirname, '../..');
const lines = (file: string) =>
  readFileSync(join(import.meta.dirname, file), 'utf8')
    .trim()
    .split('\n');

/** Returns all sources of a crate as one text. */
function sources(crate: 'ingress' | 'worker' | 'shared'): string {
  const files = readdirSync(join(root, crate, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.rs'),
  );
  return files.map((file) => readFileSync(join(root, crate, 'src', file), 'utf8')).join('\n');
}

/** The calls that Lambda itself makes under a function's role. */
const LAMBDA_ITSELF = {
  ingress: [
    'logs:CreateLogStream log',
    'logs:PutLogEvents log',
    'xray:PutTelemetryRecords *',
    'xray:PutTraceSegments *',
  ],
  worker: [
    'logs:CreateLogStream log',
    'logs:PutLogEvents log',
    // The event source receives messages and reads the queue's attributes under the function's role.
    'sqs:GetQueueAttributes jobs',
    'sqs:ReceiveMessage jobs',
    'xray:PutTelemetryRecords *',
    'xray:PutTraceSegments *',
  ],
};
/** The calls that may be refused: the ingress opens its connection to SQS by one, and any answer of SQS is enough. */
const NOT_NEEDED = ['ingress sqs:GetQueueAttributes jobs'];

/** Returns the name that calls.txt has for exactly this resource of a statement, else the resource as it is. */
function kind(resource: unknown, of: 'Ingress' | 'Worker'): string {
  const arn = (id: string) => `{"Fn::GetAtt":["${id}","Arn"]}`;
  // The hashes of logical ids are removed.
  const text = JSON.stringify(resource).replace(/(?<="Fn::GetAtt":\["\w+)[0-9A-F]{8}"/g, '"');
  const secret =
    /^{"Fn::Join":\["",\["arn:",{"Ref":"AWS::Partition"},":ssm:",{"Ref":"AWS::Region"},":",{"Ref":"AWS::AccountId"},":parameter\/henji\/dev\/(\w+)"]]}$/.exec(
      text,
    );
  if (secret) return secret[1]!;
  const known: Record<string, string> = {
    '"*"': '*',
    [arn('MessagesTable')]: 'table',
    [`{"Fn::Join":["",[${arn('MessagesTable')},"/index/byLineUserId"]]}`]: 'index',
    [arn('JobsDeadLetters')]: 'letters',
    [arn('JobsQueue')]: 'jobs',
    [arn(`${of}Log`)]: 'log',
  };
  return known[text] ?? text;
}

function granted(name: 'Ingress' | 'Worker'): string[] {
  const policies = Object.entries(resources(template, 'AWS::IAM::Policy')).filter(([id]) =>
    id.startsWith(`${name}Role`),
  );
  const statements = policies.flatMap(([, policy]) => policy.Properties['PolicyDocument'].Statement);
  return statements.flatMap(({ Effect, Action, Resource, Condition }) => {
    expect([Effect, Condition]).toEqual(['Allow', undefined]);
    return [Action]
      .flat()
      .flatMap((action) => [Resource].flat().map((resource) => `${action} ${kind(resource, name)}`));
  });
}

describe.each(['Ingress', 'Worker'] as const)('the %s', (name) => {
  const crate = name.toLowerCase() as 'ingress' | 'worker';
  const variables: Record<string, unknown> = functionOf(template, name).Properties['Environment'].Variables;

  test('may do what it does and what Lambda does for it, and nothing else', () => {
    const calls = lines('calls.txt').filter((line) => line.startsWith(`${crate} `) && !NOT_NEEDED.includes(line));
    expect(granted(name).sort()).toEqual(
      [...calls.map((line) => line.slice(crate.length + 1)), ...LAMBDA_ITSELF[crate]].sort(),
    );
  });

  test('has no permissions but those of its policy', () => {
    const [, role] = Object.entries(resources(template, 'AWS::IAM::Role')).find(([id]) =>
      id.startsWith(`${name}Role`),
    )!;
    expect(Object.keys(role.Properties)).toEqual(['AssumeRolePolicyDocument', 'Tags']);
  });

  test('is told every variable that it requires', () => {
    for (const line of lines('variables.txt').filter((line) => line.startsWith(`${crate} `))) {
      expect(variables).toHaveProperty(line.slice(crate.length + 1));
    }
  });

  test('is told no variable that it does not read', () => {
    const further = {
      fallbackModel: 'x',
      modelOptions: { reasoning_effort: 'low' },
      systemPrompt: 'x',
      personas: [{ name: 'Pirate', prompt: 'You are a pirate.' }],
      contextTokens: 9000,
      queryLimit: 1,
      historyTtlDays: 1,
      allowedUsers: [`U${'0'.repeat(32)}`],
      exemptUsers: [`U${'0'.repeat(32)}`],
      answersPerDay: 1,
      tokensPerDay: 1,
      questionMaxCharacters: 1,
      utcOffset: '+09:00',
      delivery: 'reply-first' as const,
      patienceSeconds: 20,
      burst: 'merge' as const,
      handoffTo: `C${'0'.repeat(32)}`,
      groupPrefix: 'bot',
      groupPersona: [`U${'0'.repeat(32)}`],
      maxAttempts: 1,
      leaseSeconds: 9,
      openaiBaseUrl: 'http://x',
      transcribeModel: 'off',
      lineApiBaseUrl: 'http://x',
      lineDataApiBaseUrl: 'http://x',
    };
    const all = functionOf(templateOf('dev', further), name).Properties['Environment'].Variables;
    const read = sources(crate) + sources('shared');
    for (const variable of Object.keys(all)) expect(read).toContain(`"${variable}"`);
    if (name === 'Worker')
      expect(Object.keys(all).length).toBe(Object.keys(variables).length + Object.keys(further).length);
  });
});

test('the metrics are those that the functions write, each made of lines and fields that they log', () => {
  const read = sources('shared');
  const rules = [
    ...read.matchAll(/rule\(\s*(\w+),\s*"(\w+)",\s*MetricValue::\w+(?:\("(\w+)"\))?,\s*(?:Some\("(\w+)"\)|None)/g),
  ];
  expect([...new Set(rules.map(([, , name]) => name))]).toEqual([...names]);
  const logged = sources('ingress') + sources('worker');
  for (const [, kind, , ...fields] of rules) {
    expect(logged).toMatch(new RegExp(`log!\\(\\s*\\w+,\\s*${kind},`));
    for (const field of fields.filter(Boolean)) expect(logged).toMatch(new RegExp(`\\b${field}( =|,)`));
  }
});
