import { chmodSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';

import { built } from '../lib/built.ts';
import { environments } from '../lib/environments.ts';
import { packed, PROMPT_PATH, withPrompt } from '../lib/prompt.ts';
import { checked, type Settings } from '../lib/settings.ts';
import { functionOf, stackOf, templateOf } from './synth.ts';

const check = (changed: object) => checked('dev', { ...environments['dev']!, ...changed } as Settings);

describe('a setting that cannot be', () => {
  test.each<[object, string]>([
    [{ workerTimeoutSeconds: 59 }, 'dev.workerTimeoutSeconds must be a whole number from 60 to 900, not 59'],
    [{ workerTimeoutSeconds: '300' }, 'dev.workerTimeoutSeconds must be'],
    [{ maxConcurrency: 1 }, 'dev.maxConcurrency must be a whole number from 2 to 1000'],
    [{ model: '' }, 'dev.model must be the name of a model'],
    [{ model: undefined }, 'dev.model must be the name of a model, not undefined'],
    [{ fallbackModel: '' }, 'dev.fallbackModel must be the name of a model'],
    [{ fallbackModel: environments['dev']!.model }, 'dev.fallbackModel must be another model than model'],
    [{ modelOptions: 'low' }, 'dev.modelOptions must be an object'],
    [{ modelOptions: ['low'] }, 'dev.modelOptions must be an object'],
    [
      { modelOptions: { stream: true } },
      'dev.modelOptions must be an object of at most 500 bytes as JSON, without model',
    ],
    [{ modelOptions: { stop: 'あ'.repeat(170) } }, 'dev.modelOptions must be an object of at most 500 bytes'],
    [{ locale: 'fr' }, 'dev.locale must be one of ja, en, zh-Hant, ko, th'],
    [{ architecture: 'arm' }, 'dev.architecture must be one of arm64, x86_64'],
    [{ systemPrompt: 'あ'.repeat(1001) }, 'dev.systemPrompt must be a text of at most 3,000 bytes'],
    [{ promptFile: '' }, 'dev.promptFile must be the path of a file'],
    [{ systemPrompt: 'x', promptFile: 'y' }, 'dev.promptFile and systemPrompt are not set together'],
    [{ personas: 'none' }, "dev.personas must be 'off', or a list"],
    [{ alarmEmail: 'me' }, 'dev.alarmEmail must be an e-mail address'],
    [{ secretPath: '/henji/dev' }, 'dev.secretPath must be a prefix'],
    [{ secretPath: 'henji/dev/' }, 'dev.secretPath must be a prefix'],
    [{ secretPath: '/aws/dev/' }, 'dev.secretPath must be a prefix'],
    [{ existingTablePostfix: 'a/b' }, 'dev.existingTablePostfix must be what follows "Messages"'],
    [{ account: 123456789012 }, 'dev.account must be an account id of 12 digits, in quotes'],
    [{ region: 'tokyo' }, 'dev.region must be a region, such as ap-northeast-1'],
    [{ openaiBaseUrl: 'api.openai.com/v1' }, 'dev.openaiBaseUrl must be a URL'],
    [{ openaiBaseUrl: 'https://api.openai.com/v1/' }, 'dev.openaiBaseUrl must be a URL'],
    [{ handoffTo: '@staff' }, 'dev.handoffTo must be the LINE id of a user or a group'],
    [{ groupPrefix: ' ' }, 'dev.groupPrefix must be a word of at most 20 characters'],
    [{ groupPersona: 'everybody' }, "dev.groupPersona must be 'off', 'on', or a list"],
    [{ burst: 'on' }, 'dev.burst must be one of off, merge'],
    [{ transcribeModel: '' }, "dev.transcribeModel must be the name of a model, or 'off'"],
    [{ contextTokens: 4096 }, 'dev.maxTokens must leave room for the question in contextTokens'],
    [{ promptUsdPerMillion: undefined }, 'dev.completionUsdPerMillion and promptUsdPerMillion are set together'],
    [{ logRetentionDays: 2 }, 'dev.logRetentionDays must be one of 1, 3, 5'],
    [{ throttleBurst: 0.5 }, 'dev.throttleBurst must be a whole number'],
    [{ allowedUsers: ['everybody'] }, 'dev.allowedUsers must be a list of 1 to 20 LINE user ids'],
    [{ exemptUsers: [] }, 'dev.exemptUsers must be a list of 1 to 20 LINE user ids'],
    [{ utcOffset: '+9' }, 'dev.utcOffset must be a time difference such as +09:00'],
    [{ timeout: 300 }, 'dev.timeout is no setting'],
  ])('%j is named', (changed, error) => {
    expect(() => check(changed)).toThrow(`lib/environments.ts: ${error}`);
  });

  test('is also the name of an environment that no stack can have', () => {
    expect(() => checked('My Env', environments['dev']!)).toThrow('"My Env" is no name of an environment');
  });
});

test('a postfix may be empty, and a prefix need not end in a slash', () => {
  check({ existingTablePostfix: '', secretPath: '/amplify/d1a2b3/main/AMPLIFY_lineBot_' });
  expect(() => stackOf('dev', { existingTablePostfix: '' }, new App())).not.toThrow();
});

test('the options of a model reach the worker as JSON', () => {
  const template = templateOf('dev', { modelOptions: { reasoning_effort: 'low', stop: ['a', 'b'] } });
  const told = functionOf(template, 'Worker').Properties['Environment'].Variables;
  expect(told).toHaveProperty('MODEL_OPTIONS', '{"reasoning_effort":"low","stop":["a","b"]}');
});

test('an instruction in a file is packed with the worker, or the error says what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'henji-'));
  const file = join(folder, 'prompt.md');
  const settings = environments['dev']!;
  expect(withPrompt(folder, settings)).toBe(settings);
  expect(withPrompt(folder, { ...settings, promptFile: 'shop.md' }).promptFile).toBe(join(folder, 'shop.md'));
  writeFileSync(join(folder, 'bootstrap'), '#!/bin/sh', { mode: 0o755 });
  expect(() => packed(folder, file)).toThrow(`${file} is no file: write the instruction there`);
  for (const [content, why] of [
    ['あ'.repeat(66_667), 'has more than 200,000 bytes'],
    [Buffer.from([0xff, 0xfe, 0x61, 0]), 'is not in UTF-8'],
    [' \n', 'is empty'],
  ] as const) {
    writeFileSync(file, content);
    expect(() => packed(folder, file)).toThrow(`${file} ${why}`);
  }
  writeFileSync(file, '営業時間は10時から');
  expect(withPrompt(folder, settings).promptFile).toBe(file);
  expect(withPrompt(folder, { ...settings, systemPrompt: 'x' }).promptFile).toBe(undefined);
  const worker = packed(folder, file);
  expect(readdirSync(worker).sort()).toEqual(['bootstrap', 'prompt.md']);
  expect(readFileSync(join(worker, 'prompt.md'), 'utf8')).toBe('営業時間は10時から');
  expect(statSync(join(worker, 'bootstrap')).mode & 0o777).toBe(0o755);
  for (const made of [folder, worker]) rmSync(made, { recursive: true });
  const told = functionOf(templateOf('dev', { promptFile: file }), 'Worker').Properties['Environment'].Variables;
  expect(told).toHaveProperty('SYSTEM_PROMPT_FILE', PROMPT_PATH);
});

test('a function that is missing or built for another machine is said in one line with the command that builds it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'henji-'));
  mkdirSync(join(folder, 'worker'));
  const program = join(folder, 'worker', 'bootstrap');
  expect(() => built(folder, 'worker', 'arm64')).toThrow(
    `${program} is not there: build it with "cargo lambda build --release --locked -p ingress -p worker --arm64"`,
  );
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header.writeUInt16LE(0x3e, 18);
  writeFileSync(program, header);
  expect(() => built(folder, 'worker', 'arm64')).toThrow('is not a program for arm64');
  expect(() => built(folder, 'worker', 'x86_64')).toThrow(
    `is not executable, as after a download: chmod +x ${program}`,
  );
  chmodSync(program, 0o755);
  expect(built(folder, 'worker', 'x86_64')).toBe(join(folder, 'worker'));
  writeFileSync(program, '#!/bin/sh');
  expect(() => built(folder, 'worker', 'x86_64')).toThrow('is not a program for x86_64');
  rmSync(folder, { recursive: true });
});
