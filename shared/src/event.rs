//! The kinds of log lines. Programs read the kind: the metrics, the page of `henji dev`, the queries of operators. The
//! sentence beside it is for people and may change. docs/contract.md lists all kinds.

/// The target of lines that are counted in the metrics and never logged, because strangers can cause any number of them.
pub const COUNTED_ONLY: &str = "henji_counted";

/// Writes a log line of a kind: `log!(info, Answered, event = %id, "the answer is delivered")`. A line of the level
/// `counted` is only counted ([`COUNTED_ONLY`]).
#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    (counted, $kind:ident, $($rest:tt)*) => {
        ::tracing::info!(target: $crate::event::COUNTED_ONLY, kind = $crate::event::Kind::$kind.as_str(), $($rest)*)
    };
    ($level:ident, $kind:ident, $($rest:tt)*) => {
        ::tracing::$level!(kind = $crate::event::Kind::$kind.as_str(), $($rest)*)
    };
}

pub use __log as log;

macro_rules! kinds {
    ($($(#[doc = $meaning:literal])* $kind:ident = $word:literal,)*) => {
        /// The kind of a log line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[doc = $meaning])* $kind,)*
        }

        impl Kind {
            /// All kinds, each with its meaning.
            pub const ALL: &[(Self, &str)] = &[$((Self::$kind, concat!($($meaning),*)),)*];

            /// Returns the word in the field `kind`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// A webhook got its HTTP status.
    Webhook = "webhook",
    /// An event became a job in the queue.
    Accepted = "accepted",
    /// Further events of the same webhook became jobs, which have no lines of their own.
    AcceptedMore = "accepted_more",
    /// Events need no answer.
    EventsSkipped = "events_skipped",
    /// Events differ from LINE's documentation and are skipped.
    OddEventsSkipped = "odd_events_skipped",
    /// A signature is missing or wrong. It is counted and not logged.
    SignatureRefused = "signature_refused",
    /// Signatures were missing or wrong since the last such line.
    SignaturesRefused = "signatures_refused",
    /// A signed body is not a webhook.
    BodyInvalid = "body_invalid",
    /// The webhook was not accepted in time.
    WebhookTimedOut = "webhook_timed_out",
    /// The queue did not take the jobs of a webhook.
    WebhookFailed = "webhook_failed",
    /// The channel secret is not known yet.
    SecretMissing = "secret_missing",
    /// Lambda was invoked with something else than an API Gateway proxy event.
    InvocationInvalid = "invocation_invalid",
    /// Images wait for more images of their set, or for words about them.
    WaitsForMore = "waits_for_more",
    /// An attempt at a job begins.
    AttemptBegan = "attempt_began",
    /// The history of the conversation is loaded.
    Loaded = "loaded",
    /// The message is a command.
    Command = "command",
    /// The user has reached a limit.
    LimitReached = "limit_reached",
    /// The user is told that the answer takes longer.
    PatienceAsked = "patience_asked",
    /// The model answered.
    ModelAnswered = "model_answered",
    /// The server has shown that the model's context is smaller than was known.
    ContextLearned = "context_learned",
    /// A model is unavailable, and the other one is asked.
    FallbackAsked = "fallback_asked",
    /// An attempt is too short to ask the first model and then the second one.
    FallbackTimeShort = "fallback_time_short",
    /// The model refused a picture or a file.
    ImageRefused = "image_refused",
    /// The answer is longer than the limit and is cut.
    AnswerCut = "answer_cut",
    /// A picture, a recording, a video or a file could not be used.
    ContentNotFetched = "content_not_fetched",
    /// A quoted picture, an earlier picture or an earlier file could not be used.
    QuotedNotFetched = "quoted_not_fetched",
    /// The message or its conversation changed during the attempt.
    Redrafted = "redrafted",
    /// The answer is stored.
    Stored = "stored",
    /// LINE answered a call with a success.
    LineCalled = "line_called",
    /// LINE answered a call with an error, or not at all.
    LineCallFailed = "line_call_failed",
    /// LINE answered a push or a reply.
    LineAnswered = "line_answered",
    /// LINE answered the request for a message's content.
    ContentRequested = "content_requested",
    /// The loading animation was not shown.
    LoadingFailed = "loading_failed",
    /// LINE took the answer by the free reply.
    Replied = "replied",
    /// LINE refused the answer by the free reply.
    ReplyRefused = "reply_refused",
    /// LINE refused a push because the month's messages are used up, and the answer goes by the free reply.
    MonthUsedUp = "month_used_up",
    /// LINE refused a notice by the free reply.
    NoticeNotReplied = "notice_not_replied",
    /// LINE refused a push because of the month's limit, although the limit is not reached.
    MonthLimitRefused = "month_limit_refused",
    /// The ids of the bot's own messages were not stored.
    OwnMessagesNotKept = "own_messages_not_kept",
    /// The answer is delivered.
    Answered = "answered",
    /// The message is answered together with a later one.
    Merged = "merged",
    /// Several messages could not be answered together.
    NotMerged = "not_merged",
    /// The messages are answered one by one.
    OneByOne = "one_by_one",
    /// The job needed no answer of the model.
    Noticed = "noticed",
    /// A person who is not on the list was not told so.
    RefusalFailed = "refusal_failed",
    /// Nothing is said: the message is not for the bot, its content was unsent, the user knows the limit, or the chat is paused.
    Silent = "silent",
    /// The message gets no answer, because a person of the staff talks with its user.
    Paused = "paused",
    /// A person asked for the staff, who know of it. The model is silent until the end of the pause.
    HandedOff = "handed_off",
    /// A person asked for the staff, who could not be told. The person is told so, and the model goes on.
    HandoffFailed = "handoff_failed",
    /// The talk with the staff is over, because the person said so.
    HandedBack = "handed_back",
    /// The message was taken back or forgotten.
    Forgotten = "forgotten",
    /// An unsend or an unfollow is carried out.
    Erased = "erased",
    /// The bot is no longer in the group.
    LeftGroup = "left_group",
    /// An attempt ended. The field `outcome` tells how.
    Turn = "turn",
    /// The job is tried again later.
    RetryScheduled = "retry_scheduled",
    /// The last attempt left no outcome.
    PoisonCandidate = "poison_candidate",
    /// The job is in the dead-letter queue.
    DeadLettered = "dead_lettered",
    /// The dead-letter queue did not take a dead letter.
    DeadLetterFailed = "dead_letter_failed",
    /// The storage did not mark that the user is told.
    ApologyNotMarked = "apology_not_marked",
    /// LINE did not take the apology.
    ApologyFailed = "apology_failed",
    /// The storage did not record a step of a turn.
    StepNotRecorded = "step_not_recorded",
    /// The queue did not record the outcome of a job.
    OutcomeNotRecorded = "outcome_not_recorded",
    /// A newer version wrote the job (functions only).
    NewerJob = "newer_job",
    /// The queue did not extend the lease of a job.
    HeartbeatFailed = "heartbeat_failed",
    /// The queue did not take a job back.
    HandBackFailed = "hand_back_failed",
    /// The queue did not delete finished jobs.
    DeleteFailed = "delete_failed",
    /// The queue could not be read.
    JobsNotTaken = "jobs_not_taken",
    /// LINE's quota of the month, and its use.
    MonthQuota = "month_quota",
    /// DynamoDB answered a batch in part.
    PartialRead = "partial_read",
    /// A secret could not be read.
    SecretNotRead = "secret_not_read",
    /// A server refused a secret. The newer one is used.
    RotatedSecretRefused = "rotated_secret_refused",
    /// A function starts.
    Started = "started",
    /// A program did not start.
    StartFailed = "start_failed",
    /// A task panicked. The field `at` tells where.
    Panicked = "panicked",
    /// `henji serve` takes webhooks.
    Serving = "serving",
    /// `henji serve` is told to stop.
    Stopping = "stopping",
    /// `henji serve` has stopped.
    Stopped = "stopped",
    /// The model's server does not know the model.
    ModelGone = "model_gone",
    /// The model's maker shuts it down in 90 days or less.
    ModelEnds = "model_ends",
    /// `henji serve` would answer LINE with 503.
    Unhealthy = "unhealthy",
    /// `henji serve` would answer LINE with 200 again.
    Healthy = "healthy",
    /// SQLite began no transaction.
    TransactionFailed = "transaction_failed",
    /// SQLite did not commit.
    CommitFailed = "commit_failed",
    /// Only a part of a large database was checked for damage.
    CheckedInPart = "checked_in_part",
    /// Log lines were dropped because nobody read them.
    LinesDropped = "lines_dropped",
    /// A connection could not be accepted.
    ConnectionFailed = "connection_failed",
    /// Others than the owner can write a file of the bot.
    NotPrivate = "not_private",
    /// `CONCURRENCY` is higher than the limit of open files permits.
    ConcurrencyLowered = "concurrency_lowered",
}
