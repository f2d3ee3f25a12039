/**
 * The table of settings: the meaning of each, its allowed values, and the variable and the parameter that get it.
 * Every error of the check is one line that names the setting. An unknown name is an error, too, because it would
 * silently have no effect.
 */

/** The error for a wrong setting or a wrong build, with one line for the operator. */
export class SettingError extends Error {}

interface Rule<T> {
  required?: true;
  allows: (value: unknown) => value is T;
  mustBe: string;
}

interface Setting {
  rule: Rule<unknown>;
  /** The variable of the worker that has the value. If a setting is not set, the worker uses its default. */
  variable?: string;
  /** Whether the ingress gets the variable, too. */
  ingress?: true;
  /** The parameter from which `henji` reads the value. `henji doctor` and `henji usage` compare and count with it. */
  parameter?: string;
  meaning: string;
}

const required = <T>(rule: Rule<T>) => ({ ...rule, required: true as const });
const whole = (min: number, max: number): Rule<number> => ({
  allows: (value): value is number => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  mustBe: `a whole number from ${min} to ${max}`,
});
const oneOf = <const T>(...values: T[]): Rule<T> => ({
  allows: (value): value is T => values.some((it) => it === value),
  mustBe: `one of ${values.join(', ')}`,
});
const text = (pattern: RegExp, mustBe: string): Rule<string> => ({
  allows: (value): value is string => typeof value === 'string' && pattern.test(value),
  mustBe,
});
const price: Rule<number> = {
  allows: (value): value is number => Number.isFinite(value) && Number(value) >= 0,
  mustBe: 'a number, 0 or more',
};
const url = text(/^https?:\/\/[^\s?#]*[^\s?#/]$/, 'a URL of http or https that does not end in a slash');
// The URL of a model may have a query, as Azure's older form has.
const modelUrl = text(
  /^https?:\/\/[^\s?#]*[^\s?#/](\?[^\s#]+)?$/,
  'a URL of http or https that does not end in a slash',
);
// The four limits of size below exist because Lambda allows 4 KB for all variables together.
const users: Rule<string[]> = {
  allows: (value): value is string[] =>
    Array.isArray(value) && value.length > 0 && value.length <= 20 && value.every((id) => /^U[0-9a-f]{32}$/i.test(id)),
  mustBe: 'a list of 1 to 20 LINE user ids: U and 32 hexadecimal digits',
};
const prompt: Rule<string> = {
  allows: (value): value is string =>
    typeof value === 'string' && value.trim() !== '' && Buffer.byteLength(value) <= 3000,
  mustBe: 'a text of at most 3,000 bytes',
};
// A rule may say less than its type: the worker checks each persona at its start.
const personas: Rule<'off' | { name: string; prompt: string; icon?: string }[]> = {
  allows: (value): value is never =>
    value === 'off' || (Array.isArray(value) && value.length > 0 && Buffer.byteLength(JSON.stringify(value)) <= 2000),
  mustBe: "'off', or a list of at most 2,000 bytes of { name, prompt, icon? }",
};
// The fields that the worker itself sets.
const reserved = ['model', 'messages', 'max_tokens', 'max_completion_tokens', 'stream', 'stream_options'];
const modelOptions: Rule<Record<string, unknown>> = {
  allows: (value): value is Record<string, unknown> =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !reserved.some((field) => Object.hasOwn(value, field)) &&
    Buffer.byteLength(JSON.stringify(value)) <= 500,
  mustBe: `an object of at most 500 bytes as JSON, without ${reserved.join(', ')}`,
};
const groupPersona: Rule<'off' | 'on' | string[]> = {
  allows: (value): value is never => value === 'off' || value === 'on' || users.allows(value),
  mustBe: `'off', 'on', or ${users.mustBe}`,
};

const table = {
  account: {
    rule: text(/^\d{12}$/, 'an account id of 12 digits, in quotes'),
    meaning: 'The account of the stack; that of the credentials where it is not set.',
  },
  region: {
    rule: text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region, such as ap-northeast-1'),
    meaning: 'The region of the stack; that of the credentials where it is not set.',
  },
  model: {
    rule: required(text(/^\S+$/, 'the name of a model')),
    variable: 'GPT_MODEL',
    parameter: 'GPT_MODEL',
    meaning: 'The name of the model.',
  },
  fallbackModel: {
    rule: text(/^\S+$/, 'the name of a model'),
    variable: 'FALLBACK_MODEL',
    meaning: 'Another model on the same server, which is asked if the first is unavailable; none where it is not set.',
  },
  modelOptions: {
    rule: modelOptions,
    variable: 'MODEL_OPTIONS',
    meaning: "Fields that are added to each question to a model, such as { reasoning_effort: 'low' }.",
  },
  maxTokens: {
    rule: required(whole(1, 1_000_000)),
    variable: 'MAX_TOKENS',
    meaning: "The longest answer, in tokens; a reasoning model's thinking counts.",
  },
  locale: {
    rule: required(oneOf('ja', 'en', 'zh-Hant', 'ko', 'th')),
    variable: 'LOCALE',
    meaning: "The language of the bot's own notices where a user's profile names none of these.",
  },
  systemPrompt: {
    rule: prompt,
    variable: 'SYSTEM_PROMPT',
    meaning: 'The character of the bot; its own where it is not set.',
  },
  promptFile: {
    rule: text(/^\S(.*\S)?$/, 'the path of a file'),
    meaning:
      'The file with the instruction in place of systemPrompt: UTF-8, at most 200,000 bytes; its path begins at the folder cdk. Where neither is set it is cdk/prompt.md, if that is there.',
  },
  personas: {
    rule: personas,
    variable: 'PERSONAS',
    meaning:
      'The personas that people can choose, each added to the instruction; off where they may not change the character, and where the bot has an instruction and this is not set.',
  },
  contextTokens: {
    rule: whole(1, 100_000_000),
    variable: 'CONTEXT_TOKENS',
    parameter: 'CONTEXT_TOKENS',
    meaning: 'The context of the model, in tokens; that of a known model where it is not set.',
  },
  queryLimit: {
    rule: whole(0, 1000),
    variable: 'QUERY_LIMIT',
    meaning: 'The most past messages in a prompt.',
  },
  historyTtlDays: {
    rule: whole(0, 36_500),
    variable: 'HISTORY_TTL_DAYS',
    meaning: 'The days after which messages are deleted; 0 keeps them.',
  },
  allowedUsers: { rule: users, variable: 'ALLOWED_USERS', meaning: 'The only people who are answered.' },
  exemptUsers: {
    rule: users,
    variable: 'EXEMPT_USERS',
    meaning: 'The people without limits, also if they are not among allowedUsers.',
  },
  answersPerDay: {
    rule: whole(0, 1_000_000_000),
    variable: 'ANSWERS_PER_DAY',
    meaning: 'The most answers of a person a day; 0 is no limit.',
  },
  tokensPerDay: {
    rule: whole(0, 1_000_000_000),
    variable: 'TOKENS_PER_DAY',
    meaning: 'The most tokens of a person a day; 0 is no limit.',
  },
  questionMaxCharacters: {
    rule: whole(0, 1_000_000_000),
    variable: 'QUESTION_MAX_CHARACTERS',
    meaning: 'The longest question, in characters; 0 is no limit.',
  },
  utcOffset: {
    rule: text(/^[+-](0\d|1[0-3]):[0-5]\d$|^[+-]14:00$/, 'a time difference such as +09:00'),
    variable: 'UTC_OFFSET',
    parameter: 'UTC_OFFSET',
    meaning:
      "The time zone: the users' day begins at its midnight, and the model is told its time; Japan's where it is not set.",
  },
  delivery: {
    rule: oneOf('push', 'reply-first'),
    variable: 'DELIVERY',
    meaning: "The way of answers. Each push counts: Japan's free plan carries 200 a month. A reply is free.",
  },
  patienceSeconds: {
    rule: whole(0, 45),
    variable: 'PATIENCE_SECONDS',
    meaning: 'The time after which a user gets a free notice that the answer takes longer; 0 is never.',
  },
  burst: {
    rule: oneOf('off', 'merge'),
    variable: 'BURST',
    meaning: 'Whether waiting messages of a conversation are answered together; each by itself where it is not set.',
  },
  handoffTo: {
    rule: text(/^[UC][0-9a-f]{32}$/i, 'the LINE id of a user or a group: U or C and 32 hexadecimal digits'),
    variable: 'HANDOFF_TO',
    meaning:
      'The user or group of the staff that is told when a person wants to talk to a person; none where it is not set.',
  },
  groupPrefix: {
    rule: text(/^(?=.*\S).{1,20}$/u, 'a word of at most 20 characters'),
    variable: 'GROUP_PREFIX',
    ingress: true,
    meaning: 'The word that calls the bot in groups, beside a mention.',
  },
  groupPersona: {
    rule: groupPersona,
    variable: 'GROUP_PERSONA',
    meaning: "The people who may change the bot's persona in groups; nobody where it is not set.",
  },
  maxAttempts: {
    rule: whole(1, 100),
    variable: 'MAX_ATTEMPTS',
    meaning: 'The most attempts at a message.',
  },
  giveUpAfterSeconds: {
    rule: whole(5, 3600),
    variable: 'GIVE_UP_AFTER_SECONDS',
    meaning: 'The time for attempts and the pauses between them, after which the user gets the apology.',
  },
  leaseSeconds: {
    rule: whole(1, 3600),
    variable: 'LEASE_SECONDS',
    meaning: 'The time after which another worker gets a job whose worker sends no heartbeat.',
  },
  openaiBaseUrl: {
    rule: modelUrl,
    variable: 'OPENAI_BASE_URL',
    parameter: 'OPENAI_BASE_URL',
    meaning: "The model's server; OpenAI where it is not set.",
  },
  transcribeModel: {
    rule: text(/^\S+$/, "the name of a model, or 'off'"),
    variable: 'TRANSCRIBE_MODEL',
    parameter: 'TRANSCRIBE_MODEL',
    meaning:
      'The model that transcribes voice messages, on the same server; off for none, gpt-transcribe where it is not set.',
  },
  lineApiBaseUrl: { rule: url, variable: 'LINE_API_BASE_URL', meaning: "LINE's server." },
  lineDataApiBaseUrl: {
    rule: url,
    variable: 'LINE_DATA_API_BASE_URL',
    meaning: "LINE's server for images and audio.",
  },
  promptUsdPerMillion: {
    rule: price,
    variable: 'PROMPT_USD_PER_MILLION',
    parameter: 'PROMPT_USD_PER_MILLION',
    meaning: 'The price of a million tokens of prompts, for the dashboard; it shows no cost where it is not set.',
  },
  completionUsdPerMillion: {
    rule: price,
    variable: 'COMPLETION_USD_PER_MILLION',
    parameter: 'COMPLETION_USD_PER_MILLION',
    meaning: 'The price of a million tokens of answers.',
  },
  cachedUsdPerMillion: {
    rule: price,
    variable: 'CACHED_USD_PER_MILLION',
    parameter: 'CACHED_USD_PER_MILLION',
    meaning: 'The price of a million cached tokens of prompts; that of other tokens where it is not set.',
  },
  cacheWrittenUsdPerMillion: {
    rule: price,
    variable: 'CACHE_WRITTEN_USD_PER_MILLION',
    parameter: 'CACHE_WRITTEN_USD_PER_MILLION',
    meaning:
      'The price of a million tokens of prompts that the model writes to its cache; that of other tokens where it is not set.',
  },
  secretPath: {
    // The Parameter Store keeps names that begin with aws or ssm to itself (AWS: PutParameter).
    rule: text(
      /^\/(?!aws|ssm)[\w.-]+(\/[\w.-]+){0,12}[/_.-]$/i,
      'a prefix such as /henji/dev/, not below /aws or /ssm, that ends in / _ . or -',
    ),
    meaning: 'The prefix of the secrets in the Parameter Store; /henji/{environment}/ where it is not set.',
  },
  existingTablePostfix: {
    rule: text(/^[\w.-]{0,247}$/, 'what follows "Messages" in the name of the table: letters, digits, _ - .'),
    meaning:
      'Adopts the table Messages{postfix} as it is, instead of making Messages-{environment}. A table that this environment has made before is no longer its own then: dev deletes it.',
  },
  retain: {
    rule: required(oneOf(true, false)),
    meaning: 'Whether stack and table refuse to be deleted, and table and logs outlive the stack.',
  },
  architecture: {
    rule: required(oneOf('arm64', 'x86_64')),
    meaning: 'The processor that the functions are built for.',
  },
  ingressMemoryMb: { rule: required(whole(128, 10_240)), meaning: 'The memory of the ingress.' },
  workerMemoryMb: { rule: required(whole(128, 10_240)), meaning: 'The memory of the worker.' },
  workerTimeoutSeconds: {
    rule: required(whole(60, 900)),
    parameter: 'WORKER_TIMEOUT_SECONDS',
    meaning: 'The longest time that one batch of conversations may take.',
  },
  maxConcurrency: {
    rule: required(whole(2, 1000)),
    meaning: 'The most workers at once; each asks the model for up to ten conversations.',
  },
  throttleRate: {
    rule: required(whole(1, 10_000)),
    meaning: 'The webhooks a second, on average, beyond which API Gateway answers 429.',
  },
  throttleBurst: {
    rule: required(whole(1, 5000)),
    meaning: 'The webhooks at once beyond which API Gateway answers 429.',
  },
  alarmEmail: {
    rule: text(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'an e-mail address'),
    meaning: 'The address that gets the alarms.',
  },
  lineMessagesLow: {
    rule: required(whole(1, 1_000_000)),
    meaning: "The month's LINE messages left, at or below which there is an alarm.",
  },
  logRetentionDays: {
    rule: required(oneOf(1, 3, 5, 7, 14, 30, 60, 90, 180, 365)),
    meaning: 'The days for which logs are kept.',
  },
} satisfies Record<string, Setting>;

type Table = typeof table;
type Name = keyof Table;
type Value<N extends Name> = Table[N]['rule'] extends Rule<infer T> ? T : never;
type Required = { [N in Name]: Table[N]['rule'] extends { required: true } ? N : never }[Name];

/** The settings of an environment. */
export type Settings = { [N in Required]: Value<N> } & { [N in Exclude<Name, Required>]?: Value<N> };

const rows = Object.entries(table) as [Name, Setting][];

/** Returns a value as the text of a variable or a parameter. */
function written(value: unknown): string {
  if (typeof value !== 'object') return String(value);
  return Array.isArray(value) && value.every((it) => typeof it === 'string') ? value.join(',') : JSON.stringify(value);
}

function values(settings: Settings, nameOf: (setting: Setting) => string | undefined): Record<string, string> {
  return Object.fromEntries(
    rows.flatMap(([name, setting]) => {
      const [to, value] = [nameOf(setting), settings[name]];
      return to === undefined || value === undefined ? [] : [[to, written(value)]];
    }),
  );
}

/** Returns the variables of the worker. */
export const workerVariables = (settings: Settings) => values(settings, (setting) => setting.variable);
/** Returns the variables of the ingress. */
export const ingressVariables = (settings: Settings) =>
  values(settings, (setting) => (setting.ingress ? setting.variable : undefined));
/** Returns the parameters that `henji` reads. */
export const parameters = (settings: Settings) => values(settings, (setting) => setting.parameter);

/** Returns the settings if all of them are allowed, else throws an error that names the first wrong one. */
export function checked(environment: string, settings: Settings): Settings {
  const wrong = (name: string, why: string) => new SettingError(`lib/environments.ts: ${environment}.${name} ${why}`);
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(environment)) {
    throw new SettingError(
      `lib/environments.ts: "${environment}" is no name of an environment: small letters, digits and -`,
    );
  }
  for (const name of Object.keys(settings)) {
    if (!Object.hasOwn(table, name)) throw wrong(name, 'is no setting');
  }
  for (const [name, { rule }] of rows) {
    const value = settings[name];
    if (value === undefined ? rule.required : !rule.allows(value)) {
      throw wrong(name, `must be ${rule.mustBe}, not ${JSON.stringify(value)}`);
    }
  }
  if (settings.fallbackModel === settings.model) {
    throw wrong('fallbackModel', 'must be another model than model');
  }
  if ((settings.contextTokens ?? Infinity) <= settings.maxTokens) {
    throw wrong('maxTokens', 'must leave room for the question in contextTokens');
  }
  if (settings.systemPrompt !== undefined && settings.promptFile !== undefined) {
    throw wrong('promptFile', 'and systemPrompt are not set together');
  }
  if ((settings.promptUsdPerMillion === undefined) !== (settings.completionUsdPerMillion === undefined)) {
    throw wrong('completionUsdPerMillion', 'and promptUsdPerMillion are set together');
  }
  return settings;
}
