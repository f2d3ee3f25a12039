/**
 * The settings of every environment: what a person changes is here. `settings.ts` checks them at synthesis.
 */
export interface Settings {
  /** Account and region of the stack; those of the credentials where they are not set. */
  account?: string;
  region?: string;

  /** The model's name, and the longest answer in tokens (a reasoning model's thinking counts). */
  model: string;
  maxTokens: number;
  /** Language of the bot's own notices where a user's profile names none of these. */
  locale: 'ja' | 'en' | 'zh-Hant' | 'ko' | 'th';
  /** The worker's further variables, with its own defaults where they are not set (docs/lambda.md). */
  systemPrompt?: string;
  /**
   * The personas that people can choose (.env.example), each added to `systemPrompt`; `off` where they may not change
   * the character, and where `systemPrompt` is set and this is not.
   */
  personas?: 'off' | { name: string; prompt: string; icon?: string }[];
  contextTokens?: number;
  queryLimit?: number;
  historyTtlDays?: number;
  /** Limits against abuse, each told once (.env.example). */
  allowedUsers?: string[];
  exemptUsers?: string[];
  answersPerDay?: number;
  tokensPerDay?: number;
  questionMaxCharacters?: number;
  /** When the users' day begins; Japan's where it is not set. */
  utcOffset?: string;
  /** How answers are sent. Each push counts: Japan's free plan carries 200 a month. A reply is free. */
  delivery?: 'push' | 'reply-first';
  /** After how long a user is told, once and for free, that it takes longer; 0 for never. */
  patienceSeconds?: number;
  /** Whether messages of a conversation that wait together are answered together; each is where it is not set. */
  burst?: 'off' | 'merge';
  /** What calls the bot in groups, beside a mention: a word of at most 20 characters. */
  groupPrefix?: string;
  /** Who may change the bot's persona in groups: nobody where it is not set. */
  groupPersona?: 'off' | 'on' | string[];
  maxAttempts?: number;
  /** How long a person waits for attempts and the pauses between them before the apology, in seconds. */
  giveUpAfterSeconds?: number;
  leaseSeconds?: number;
  openaiBaseUrl?: string;
  /** The model that hears voice messages, on the same server; 'off' where nobody listens. */
  transcribeModel?: string;
  lineApiBaseUrl?: string;
  /** Where LINE keeps pictures and voices. */
  lineDataApiBaseUrl?: string;
  /** What the model's maker asks for a million tokens, for the dashboard's cost; none is shown without. */
  promptUsdPerMillion?: number;
  completionUsdPerMillion?: number;
  /** The same for tokens of the prompt that the model had in its cache; as much as the others where it is not set. */
  cachedUsdPerMillion?: number;

  /** Prefix of the secrets in the Parameter Store; `/henji/{environment}/` where it is not set. */
  secretPath?: string;
  /**
   * Adopts the table `Messages{postfix}` as it is, instead of making `Messages-{environment}`. A table that this
   * environment has made before is no longer its own then: `dev` deletes it.
   */
  existingTablePostfix?: string;
  /** Whether stack and table refuse to be deleted, and table and logs outlive the stack. */
  retain: boolean;

  /** What the functions are built for. */
  architecture: 'arm64' | 'x86_64';
  ingressMemoryMb: number;
  workerMemoryMb: number;
  /** The longest that one batch of conversations may take, 60 to 900. */
  workerTimeoutSeconds: number;
  /** Workers at once; each asks the model for up to ten conversations. 2 to 1000. */
  maxConcurrency: number;
  /** Webhooks a second, on average and at once, beyond which API Gateway answers 429. */
  throttleRate: number;
  throttleBurst: number;

  /** Who is told of alarms. */
  alarmEmail?: string;
  /** The month's LINE messages left, below which there is an alarm. */
  lineMessagesLow: number;
  logRetentionDays: 1 | 3 | 5 | 7 | 14 | 30 | 60 | 90 | 180 | 365;
}

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
