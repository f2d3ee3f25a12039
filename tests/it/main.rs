//! Stories of the whole pipeline, told against the real parts: the product's own servers and programs,
//! SQLite on disk, and stand-ins for LINE and the model over HTTP.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "nobody reads a test's documentation, its name says it; and it fails by panicking"
)]

// The harness: a bot in this process, a bot as a process, who operates it, its log, the specifications all requests must meet,
// and what nothing that is printed may hold.
mod bot;
mod log_lines;
mod operator;
mod process;
mod secrecy;
mod spec;

// What LINE may post, and what it is told.
mod accepting;
// What strangers and bad servers do to it, to memory and to terminals.
mod hostile;
// The emulator of LINE, held against LINE's own specification.
mod line_emulator;
// `henji dev`: its page's API, its guard, its replay.
mod dev;
// From a question to its answer: order, isolation, history, context, length.
mod answering;
// What people tell the bot to do.
mod commands;
// How answers look: language, buttons, face, quote.
mod looks;
// Dead letters: what becomes of them, told by the command.
mod dead_letters;
// What a change of letters promises: the record, the sum, what a crash leaves.
mod changes;
// What `henji send` sends.
mod sending;
// What commands say to a terminal, or to nobody.
mod terminal;
// The model as it really behaves.
mod model_faults;
// The model's server as HTTP: forms of an answer, TLS, a proxy.
mod model_http;
// What a long conversation costs.
mod remembering;
mod usage;
// The same on Azure.
mod azure;
// LINE as it really behaves.
mod line_faults;
// The free reply, and when a push takes its place.
mod reply_first;
// Facts that several files name, and the version.
mod documents;
// The process: signals, crashes, data directories, settings, logs.
mod serving;
// Its directory: lock, permissions, damage.
mod data;
// A database of an earlier version.
mod old_database;
// The operator's listener, and whether it tells the truth.
mod admin;
// Its log, and readers who do not read.
mod log;
// The system's demands: signals, limits.
mod system;
// Many at once, and what they cost.
mod load;
// All at once: hours of traffic and faults, drawn from a seed.
mod chaos;
// What both queues promise, and both histories.
mod groups;
mod history;
mod job_queue;
// To take back, to leave, to be forgotten: on one machine and on Lambda.
mod overtaking;
mod respect;
// Limits against abuse, likewise.
mod limits;
// Limits of one turn: time, paid calls, pushes; likewise.
mod turn_limits;
// Several messages where one was meant, likewise.
mod bursts;
// Pictures and voices, likewise.
mod media;
// Whatever is done to any request or commit.
mod boundaries;
// The functions on Lambda, with AWS stood in for.
mod aws;
