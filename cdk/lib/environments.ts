/**
 * The settings of every environment: what a person changes is here. `settings.ts` lists all settings, each with its
 * meaning, and checks them at synthesis.
 */
import type { Settings } from './settings.ts';

const common: Settings = {
  model: 'gpt-5.4-mini',
  maxTokens: 4096,
  // OpenAI's price list for this model; another model has another.
  promptUsdPerMillion: 0.75,
  completionUsdPerMillion: 4.5,
  locale: 'ja',
  retain: false,
  architecture: 'arm64',
  // 10 MiB at most and 0.3 ms of processor a webhook (docs/benchmarks.md): the smallest there is will do.
  ingressMemoryMb: 128,
  // 13 MiB (docs/benchmarks.md), and 46 more once a long conversation has had the tokenizer's tables unpacked, which
  // takes a tenth of a second of a whole processor; the rest is for ten conversations at once. Ten pictures of 10 MB
  // sent at once took it to 124 MiB: no more than 32 MB of them are held.
  workerMemoryMb: 256,
  workerTimeoutSeconds: 300,
  maxConcurrency: 5,
  throttleRate: 50,
  throttleBurst: 100,
  // A fifth of the 200 that Japan's free plan carries.
  lineMessagesLow: 40,
  logRetentionDays: 14,
};

export const environments: Record<string, Settings> = {
  dev: common,
  prod: { ...common, retain: true, maxConcurrency: 20, throttleRate: 200, throttleBurst: 400, logRetentionDays: 90 },
};
