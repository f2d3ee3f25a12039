//! Stories of the whole pipeline with the real parts: the product's own servers and programs, SQLite on disk, and
//! emulators of LINE and the model over HTTP.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's name is its documentation, and a test fails by panicking"
)]

// The harness: a bot in this process, a bot as a process, its operator, its log, the specifications of all requests,
// and the check that no output holds private data.
mod harness;

// Requests from LINE, and the statuses that it gets.
mod accepting;
// Attacks of strangers and bad servers on the bot, on memory and on terminals.
mod hostile;
// The emulator of LINE, checked with LINE's own specification.
mod line_emulator;
// `henji dev`: the API of its page, its access rules, its replay.
mod dev;
// From a question to its answer: order, isolation, history, context, length.
mod answering;
// The instruction to the model: a file, what it is told of the bot, the note below a question.
mod instruction;
// The commands that people send.
mod commands;
// The looks of answers: language, buttons, sender, quote.
mod looks;
// Dead letters, as `henji dlq` shows and changes them.
mod dead_letters;
// A change of dead letters: the record, the sum, the state after a crash.
mod changes;
// `henji send`.
mod sending;
// The output of commands on a terminal, and without a reader.
mod terminal;
// Realistic faults of the model.
mod model_answers;
mod model_faults;
// The model's server as HTTP: forms of a response, TLS, a proxy.
mod model_http;
// Real model servers (`tests/long`).
mod real_servers;
// The cost of a long conversation.
mod remembering;
mod usage;
// The table of models, and the words of servers about theirs.
mod known_models;
// Azure OpenAI in place of OpenAI.
mod azure;
// Realistic faults of LINE.
mod line_faults;
// The end of the month's messages.
mod month_used_up;
// The free reply, and when a push takes its place.
mod reply_first;
// Facts in several files, and the version.
mod documents;
// The process: signals, crashes, data directories, settings, logs.
mod serving;
// The data directory: lock, permissions, damage.
mod data;
// A database of an earlier version.
mod old_database;
// The operator's listener, and whether `/healthz` is true.
mod admin;
// The log, and readers who do not read.
mod log;
// Limits of the operating system: signals, open files.
mod system;
// High load, and its cost.
mod load;
// Hours of traffic with faults, drawn from a seed.
mod chaos;
// The webhooks of people's everyday messages, on both.
mod line_events;
// The guarantees of both queues and both histories, and groups.
mod fallback;
mod groups;
mod history;
mod job_queue;
// Unsend, unfollow and forget, on one machine and on Lambda.
mod overtaking;
mod respect;
// Staff take over a chat, on both.
mod handoff;
// Limits against abuse, on both.
mod limits;
// Limits of one turn, on both: time, paid calls, pushes.
mod turn_limits;
// Several messages that are answered together, on both.
mod bursts;
// Quoted words, on both.
mod quotes;
// Images and recordings, on both.
mod media;
// A fault at every request and every commit.
mod boundaries;
// The functions on Lambda, with an emulator of AWS.
mod aws;
