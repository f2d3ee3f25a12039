/** Packs the operator's instruction with the worker. */
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SettingError, type Settings } from './settings.ts';

/** The name of the instruction beside the worker, and of the file that is taken where no setting names one. */
const NAME = 'prompt.md';
/** The path that the worker reads: Lambda unpacks a function into this folder (AWS: LAMBDA_TASK_ROOT). */
export const PROMPT_PATH = `/var/task/${NAME}`;
/** The same limit as the worker's (worker/src/config.rs). */
const BYTES_MAX = 200_000;

/** Returns the settings with the path of the instruction, if there is one; paths begin at `root`. */
export function withPrompt(root: string, settings: Settings): Settings {
  if (settings.promptFile !== undefined) return { ...settings, promptFile: join(root, settings.promptFile) };
  const usual = join(root, NAME);
  return settings.systemPrompt === undefined && existsSync(usual) ? { ...settings, promptFile: usual } : settings;
}

/**
 * Returns a folder with the worker and this instruction, or throws an error of one line that says what to do. It is a
 * folder of its own, so that the built program stays as it was built, and environments may have different instructions.
 */
export function packed(worker: string, prompt: string): string {
  const wrong = (why: string) => new SettingError(`${prompt} ${why}`);
  if (!statSync(prompt, { throwIfNoEntry: false })?.isFile()) {
    throw wrong('is no file: write the instruction there, or correct promptFile in lib/environments.ts');
  }
  const bytes = readFileSync(prompt);
  if (bytes.length > BYTES_MAX) throw wrong('has more than 200,000 bytes: shorten it');
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrong('is not in UTF-8: save it with this encoding');
  }
  if (text.trim() === '') throw wrong('is empty: write the instruction into it, or remove it');
  const folder = mkdtempSync(join(tmpdir(), 'henji-worker-'));
  copyFileSync(join(worker, 'bootstrap'), join(folder, 'bootstrap'));
  writeFileSync(join(folder, NAME), text);
  // Lambda's user reads it, whatever this machine allows for new files.
  chmodSync(join(folder, NAME), 0o644);
  return folder;
}
