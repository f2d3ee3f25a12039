/** Stage two as a function: the queue hands it jobs; it answers them and writes dead letters. */
import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';

import type { Settings } from './environments.ts';
import { Program } from './function.ts';
import type { Jobs } from './queue.ts';
import type { Messages } from './table.ts';

export interface WorkerProps {
  code: string;
  secretPath: string;
  jobs: Jobs;
  messages: Messages;
  /** Where its metrics belong. */
  namespace: string;
  settings: Settings;
}

/** The variables that only some environments set. */
function optional(settings: Settings): Record<string, string> {
  const variables = {
    SYSTEM_PROMPT: settings.systemPrompt,
    PERSONAS: settings.personas === 'off' ? 'off' : settings.personas && JSON.stringify(settings.personas),
    CONTEXT_TOKENS: settings.contextTokens,
    QUERY_LIMIT: settings.queryLimit,
    HISTORY_TTL_DAYS: settings.historyTtlDays,
    ALLOWED_USERS: settings.allowedUsers?.join(','),
    EXEMPT_USERS: settings.exemptUsers?.join(','),
    ANSWERS_PER_DAY: settings.answersPerDay,
    TOKENS_PER_DAY: settings.tokensPerDay,
    QUESTION_MAX_CHARACTERS: settings.questionMaxCharacters,
    UTC_OFFSET: settings.utcOffset,
    DELIVERY: settings.delivery,
    PATIENCE_SECONDS: settings.patienceSeconds,
    BURST: settings.burst,
    GROUP_PREFIX: settings.groupPrefix,
    GROUP_PERSONA: settings.groupPersona && [settings.groupPersona].flat().join(','),
    MAX_ATTEMPTS: settings.maxAttempts,
    GIVE_UP_AFTER_SECONDS: settings.giveUpAfterSeconds,
    LEASE_SECONDS: settings.leaseSeconds,
    OPENAI_BASE_URL: settings.openaiBaseUrl,
    TRANSCRIBE_MODEL: settings.transcribeModel,
    LINE_API_BASE_URL: settings.lineApiBaseUrl,
    LINE_DATA_API_BASE_URL: settings.lineDataApiBaseUrl,
    PROMPT_USD_PER_MILLION: settings.promptUsdPerMillion,
    COMPLETION_USD_PER_MILLION: settings.completionUsdPerMillion,
    CACHED_USD_PER_MILLION: settings.cachedUsdPerMillion,
  };
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

export class Worker extends Program {
  constructor(scope: Construct, id: string, props: WorkerProps) {
    const { jobs, messages, settings } = props;
    super(scope, id, {
      description: 'Henji: takes a job, asks the model, keeps the answer, pushes it',
      code: props.code,
      settings,
      memoryMb: settings.workerMemoryMb,
      timeout: Duration.seconds(settings.workerTimeoutSeconds),
      environment: {
        BASE_SECRET_PATH: props.secretPath,
        QUEUE_URL: jobs.queue.queueUrl,
        DLQ_URL: jobs.deadLetters.queueUrl,
        DB_TABLE_NAME_POSTFIX: messages.postfix,
        GPT_MODEL: settings.model,
        MAX_TOKENS: String(settings.maxTokens),
        LOCALE: settings.locale,
        METRICS_NAMESPACE: props.namespace,
        ...optional(settings),
      },
      secrets: ['LINE_CHANNEL_ACCESS_TOKEN', 'OPEN_AI_API_KEY'],
      readsTogether: true,
    });
    messages.grantTurns(this.function);
    jobs.deadLetters.grant(this.function, 'sqs:SendMessage');
    // The worker itself sends heartbeats (worker/src/lambda/heartbeat.rs) and deletes messages that are done early.
    // The event source, which acts under this role, receives and looks at the queue's attributes.
    const consume = ['ReceiveMessage', 'GetQueueAttributes', 'DeleteMessage', 'ChangeMessageVisibility'];
    const consuming = jobs.queue.grant(this.function, ...consume.map((action) => `sqs:${action}`));
    const source = this.function.addEventSourceMapping('Jobs', {
      eventSourceArn: jobs.queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      maxConcurrency: settings.maxConcurrency,
    });
    consuming.applyBefore(source);
  }
}
