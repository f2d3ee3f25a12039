/**
 * The check of an environment's settings. Every error is one line that names the setting; a name that is no
 * setting is an error too, because it would be a setting that silently does nothing.
 */
import type { Settings } from './environments.ts';

/** A setting that cannot be. */
export class SettingError extends Error {}

interface Rule {
  required?: true;
  allows: (value: unknown) => boolean;
  mustBe: string;
}

const whole = (min: number, max: number): Rule => ({
  allows: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  mustBe: `a whole number from ${min} to ${max}`,
});
const oneOf = (...values: unknown[]): Rule => ({
  allows: (value) => values.includes(value),
  mustBe: `one of ${values.join(', ')}`,
});
const text = (pattern: RegExp, mustBe: string): Rule => ({
  allows: (value) => typeof value === 'string' && pattern.test(value),
  mustBe,
});
const price: Rule = { allows: (value) => Number.isFinite(value) && Number(value) >= 0, mustBe: 'a number, 0 or more' };
const url = text(/^https?:\/\/[^\s?#]*[^\s?#/]$/, 'a URL of http or https that does not end in a slash');
// With the query that Azure's older form has.
const modelUrl = text(
  /^https?:\/\/[^\s?#]*[^\s?#/](\?[^\s#]+)?$/,
  'a URL of http or https that does not end in a slash',
);
// Lambda keeps 4 KB for all variables together.
const users: Rule = {
  allows: (value) =>
    Array.isArray(value) && value.length > 0 && value.length <= 20 && value.every((id) => /^U[0-9a-f]{32}$/i.test(id)),
  mustBe: 'a list of 1 to 20 LINE user ids: U and 32 hexadecimal digits',
};
const required = (rule: Rule): Rule => ({ ...rule, required: true });

const rules: Record<keyof Settings, Rule> = {
  account: text(/^\d{12}$/, 'an account id of 12 digits, in quotes'),
  region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region, such as ap-northeast-1'),
  model: required(text(/^\S+$/, 'the name of a model')),
  maxTokens: required(whole(1, 1_000_000)),
  locale: required(oneOf('ja', 'en', 'zh-Hant', 'ko', 'th')),
  // Lambda keeps 4 KB for all variables together.
  systemPrompt: {
    allows: (value) => typeof value === 'string' && value.trim() !== '' && Buffer.byteLength(value) <= 3000,
    mustBe: 'a text of at most 3,000 bytes',
  },
  // The worker checks each of them at its start.
  personas: {
    allows: (value) => value === 'off' || (Array.isArray(value) && Buffer.byteLength(JSON.stringify(value)) <= 2000),
    mustBe: "'off', or a list of at most 2,000 bytes of { name, prompt, icon? }",
  },
  contextTokens: whole(1, 100_000_000),
  queryLimit: whole(0, 1000),
  historyTtlDays: whole(0, 36_500),
  allowedUsers: users,
  exemptUsers: users,
  answersPerDay: whole(0, 1_000_000_000),
  tokensPerDay: whole(0, 1_000_000_000),
  questionMaxCharacters: whole(0, 1_000_000_000),
  utcOffset: text(/^[+-](0\d|1[0-3]):[0-5]\d$|^[+-]14:00$/, 'a time difference such as +09:00'),
  delivery: oneOf('push', 'reply-first'),
  patienceSeconds: whole(0, 45),
  burst: oneOf('off', 'merge'),
  groupPrefix: text(/^(?=.*\S).{1,20}$/u, 'a word of at most 20 characters'),
  groupPersona: {
    allows: (value) => value === 'off' || value === 'on' || users.allows(value),
    mustBe: `'off', 'on', or ${users.mustBe}`,
  },
  maxAttempts: whole(1, 100),
  giveUpAfterSeconds: whole(5, 3600),
  leaseSeconds: whole(1, 3600),
  openaiBaseUrl: modelUrl,
  transcribeModel: text(/^\S+$/, "the name of a model, or 'off'"),
  lineApiBaseUrl: url,
  lineDataApiBaseUrl: url,
  promptUsdPerMillion: price,
  completionUsdPerMillion: price,
  cachedUsdPerMillion: price,
  // The Parameter Store keeps names that begin with aws or ssm to itself (AWS: PutParameter).
  secretPath: text(
    /^\/(?!aws|ssm)[\w.-]+(\/[\w.-]+){0,12}[/_.-]$/i,
    'a prefix such as /henji/dev/, not below /aws or /ssm, that ends in / _ . or -',
  ),
  existingTablePostfix: text(
    /^[\w.-]{0,247}$/,
    'what follows "Messages" in the name of the table: letters, digits, _ - .',
  ),
  retain: required(oneOf(true, false)),
  architecture: required(oneOf('arm64', 'x86_64')),
  ingressMemoryMb: required(whole(128, 10_240)),
  workerMemoryMb: required(whole(128, 10_240)),
  workerTimeoutSeconds: required(whole(60, 900)),
  maxConcurrency: required(whole(2, 1000)),
  throttleRate: required(whole(1, 10_000)),
  throttleBurst: required(whole(1, 5000)),
  alarmEmail: text(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'an e-mail address'),
  lineMessagesLow: required(whole(1, 1_000_000)),
  logRetentionDays: required(oneOf(1, 3, 5, 7, 14, 30, 60, 90, 180, 365)),
};

/** The settings, if they can be. */
export function checked(environment: string, settings: Settings): Settings {
  const wrong = (name: string, why: string) => new SettingError(`lib/environments.ts: ${environment}.${name} ${why}`);
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(environment)) {
    throw new SettingError(
      `lib/environments.ts: "${environment}" is no name of an environment: small letters, digits and -`,
    );
  }
  for (const name of Object.keys(settings)) {
    if (!Object.hasOwn(rules, name)) throw wrong(name, 'is no setting');
  }
  for (const [name, rule] of Object.entries(rules)) {
    const value = settings[name as keyof Settings];
    if (value === undefined ? rule.required : !rule.allows(value)) {
      throw wrong(name, `must be ${rule.mustBe}, not ${JSON.stringify(value)}`);
    }
  }
  if ((settings.contextTokens ?? Infinity) <= settings.maxTokens) {
    throw wrong('maxTokens', 'must leave room for the question in contextTokens');
  }
  if ((settings.promptUsdPerMillion === undefined) !== (settings.completionUsdPerMillion === undefined)) {
    throw wrong('completionUsdPerMillion', 'and promptUsdPerMillion are set together');
  }
  return settings;
}
