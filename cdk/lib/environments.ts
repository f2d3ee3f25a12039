/**
 * The settings of every environment. A person changes settings in this file. `settings.ts` lists all settings, each
 * with its meaning, and checks them at synthesis.
 */
import type { Settings } from './settings.ts';

const common: Settings = {
  model: 'gpt-5.4-mini',
  maxTokens: 4096,
  // The prices are those of OpenAI's price list for this model. Another model has other prices.
  promptUsdPerMillion: 0.75,
  completionUsdPerMillion: 4.5,
  locale: 'ja',
  retain: false,
  architecture: 'arm64',
  // The ingress takes 10 MiB at most, and 0.3 ms of processor time for each webhook (docs/benchmarks.md). So the
  // smallest size is enough.
  ingressMemoryMb: 128,
  // The worker takes 13 MiB (docs/benchmarks.md). A first long conversation unpacks the tokenizer's tables, which takes
  // 46 MiB more and a tenth of a second of a whole processor. The rest is for ten conversations at once. With ten
  // images of 10 MB sent at once the worker took 124 MiB, because it holds at most 32 MB of them.
  workerMemoryMb: 256,
  workerTimeoutSeconds: 300,
  maxConcurrency: 5,
  throttleRate: 50,
  throttleBurst: 100,
  // A fifth of the 200 messages of Japan's free plan.
  lineMessagesLow: 40,
  logRetentionDays: 14,
};

export const environments: Record<string, Settings> = {
  dev: common,
  prod: { ...common, retain: true, maxConcurrency: 20, throttleRate: 200, throttleBurst: 400, logRetentionDays: 90 },
};
