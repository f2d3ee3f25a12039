/** If something is missing, each command says in one line what to do, before anything is built. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { afterAll, expect, test } from 'vitest';

const cdk = join(import.meta.dirname, '..');
const tools = mkdtempSync(join(tmpdir(), 'henji-tools-'));
afterAll(() => rmSync(tools, { recursive: true }));

/** Returns the path of the real tool of this name. */
function real(name: string): string {
  return spawnSync('bash', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
}
function fake(name: string, script: string): void {
  writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(tools, name), 0o755);
}
for (const name of ['bash', 'dirname', 'tail']) symlinkSync(real(name), join(tools, name));

/** Returns the error of a command that has only the tools above on its path. */
function says(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(join(tools, 'bash'), [join(cdk, command), ...args], {
    encoding: 'utf8',
    env: { PATH: tools },
  });
  expect([status, stdout, stderr.trim().split('\n').length]).toEqual([1, '', 1]);
  return stderr;
}

test('what is missing is said one after another, each with what to do', () => {
  expect(says('deploy')).toContain('name an environment of lib/environments.ts: cdk/deploy dev');
  expect(says('deploy', 'dev')).toContain('node is not installed: https://nodejs.org');
  fake('node', 'case "$1" in -v) echo v18.1.0;; *) echo 18;; esac');
  expect(says('deploy', 'dev')).toContain('Node v18.1.0 is too old: version 20 or newer is needed');
  fake('node', 'echo 20');
  expect(says('deploy', 'dev')).toContain('npm is not installed');
  fake('npm', '');
  expect(says('deploy', 'dev')).toContain('aws is not installed');
  fake('aws', 'exit 1');
  expect(says('deploy', 'dev')).toContain('cargo is not installed: https://rustup.rs');
  fake('cargo', '');
  expect(says('deploy', 'dev')).toContain('cargo-lambda is not installed: pip install -r cdk/build-requirements.txt');
  fake('cargo-lambda', '');
  expect(says('deploy', 'dev')).toContain('no region is set: export AWS_REGION=ap-northeast-1');
  fake(
    'aws',
    'case "$1" in configure) echo ap-northeast-1;; *) echo; echo Unable to locate credentials >&2; exit 255;; esac',
  );
  expect(says('deploy', 'dev')).toContain('run "aws configure" or set AWS_PROFILE (Unable to locate credentials)');
  fake('aws', 'case "$1" in configure) echo ap-northeast-1;; sts) echo 123456789012;; *) exit 254;; esac');
  expect(says('deploy', 'dev')).toContain(
    'run "cdk/install && npm --prefix cdk exec cdk -- bootstrap aws://123456789012/ap-northeast-1" once',
  );
});

test('a smoke check says what is missing: a tool, credentials, the stack', () => {
  expect(says('smoke')).toContain('usage: cdk/smoke ENVIRONMENT [URL]');
  expect(says('smoke', 'dev')).toContain('curl is not installed');
  fake('curl', '');
  fake('aws', 'echo Unable to locate credentials >&2; exit 255');
  expect(says('smoke', 'dev')).toContain('"aws configure" or AWS_PROFILE (Unable to locate credentials)');
  fake('aws', 'case "$1" in sts) echo 123456789012;; *) exit 254;; esac');
  expect(says('smoke', 'dev')).toContain('there is no stack Henji-dev here: deploy it first');
});

test('an app without its functions, or of an unknown environment, says so in one line', () => {
  const app = (context: object) => {
    const env = { PATH: process.env['PATH'] ?? delimiter, CDK_CONTEXT_JSON: JSON.stringify(context) };
    const { status, stderr } = spawnSync(join(cdk, 'node_modules/.bin/tsx'), ['bin/henji.ts'], {
      cwd: cdk,
      encoding: 'utf8',
      env,
    });
    return [status, stderr];
  };
  expect(app({ environment: 'staging' })).toEqual([1, 'lib/environments.ts has no environment "staging"\n']);
  expect(app({ environment: 'dev', settings: '{"model":""}' })).toEqual([
    1,
    'lib/environments.ts: dev.model must be the name of a model, not ""\n',
  ]);
  expect(app({ environment: 'dev', settings: '{model}' })).toEqual([
    1,
    'the context "settings" is not JSON: -c settings=\'{"model":"…"}\'\n',
  ]);
});
