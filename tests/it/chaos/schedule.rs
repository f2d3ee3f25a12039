//! The events of some hours, all drawn from one seed: the messages and their times, the deliveries of LINE, the
//! faults and the kills of the worker. Pure: the same seed gives the same schedule, and only the interleaving of its
//! parts differs from run to run.

use std::time::Duration;

use emulator::{
    faults::Fault,
    line::{LOADING, PUSH, REPLY},
    model::COMPLETIONS,
};
use fastrand::Rng;

/// The number of each kind of event.
#[derive(Clone, Copy)]
pub struct Size {
    pub chats: usize,
    pub events: usize,
    pub minutes: u64,
    pub kills: usize,
    pub outages: usize,
}

#[derive(Debug)]
pub struct Schedule {
    pub seed: u64,
    /// The settings of the bot that differ from seed to seed.
    pub variables: Vec<(&'static str, String)>,
    /// The answers a day of one person.
    pub limit: usize,
    pub events: Vec<Event>,
    /// The steps in order, each with its time in milliseconds.
    pub steps: Vec<(u64, Step)>,
}

#[derive(Debug)]
pub struct Event {
    pub chat: usize,
    pub speaker: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A question with this number of further words.
    Question(usize),
    /// A question that does not fit into the context.
    TooLong,
    /// A message in a group that is not for the bot.
    Aside,
    Forget,
    /// The unsend of the event with this number.
    Unsend(usize),
}

#[derive(Debug)]
pub enum Step {
    /// LINE delivers these events in one webhook, perhaps not for the first time.
    Delivers(Vec<usize>),
    /// The next request to this path gets this fault.
    Fails(&'static str, Fault),
    /// Every request to this path gets this fault, until `Mends`.
    Breaks(&'static str, Fault),
    Mends(&'static str),
    /// The process is killed and started again.
    Kills,
}

impl Event {
    /// Whether the chat is a group, which every eighth is.
    pub fn is_in_group(&self) -> bool {
        is_group(self.chat)
    }
}

fn is_group(chat: usize) -> bool {
    chat % 8 == 7
}

impl Schedule {
    pub fn of(seed: u64, size: Size) -> Self {
        let mut rng = Rng::with_seed(seed);
        let limit = rng.usize(6..20);
        let merges = if rng.bool() { "merge" } else { "off" };
        let delivery = if rng.bool() { "reply-first" } else { "push" };
        let variables = vec![
            ("BURST", merges.to_owned()),
            ("DELIVERY", delivery.to_owned()),
            ("ANSWERS_PER_DAY", limit.to_string()),
        ];
        let mut schedule = Self { seed, variables, limit, events: vec![], steps: vec![] };
        let end = size.minutes * 60_000;
        while schedule.events.len() < size.events {
            let at = rng.u64(..end);
            schedule.somebody_writes(&mut rng, size.chats, at);
        }
        for _ in 0..size.events / 12 {
            let (path, fault) = fault(&mut rng);
            schedule.steps.push((rng.u64(..end), Step::Fails(path, fault)));
        }
        for _ in 0..size.outages {
            let (path, fault) = outage(&mut rng);
            let from = rng.u64(..end);
            schedule.steps.push((from, Step::Breaks(path, fault)));
            schedule.steps.push((from + rng.u64(20_000..120_000), Step::Mends(path)));
        }
        for _ in 0..size.kills {
            schedule.steps.push((rng.u64(..end), Step::Kills));
        }
        schedule.steps.sort_by_key(|(at, _)| *at);
        schedule
    }

    /// Whether the bot merges waiting questions.
    pub fn merges(&self) -> bool {
        self.variables.contains(&("BURST", "merge".to_owned()))
    }

    /// Whether any message of a chat is unsent.
    pub fn is_taken_back_in(&self, chat: usize) -> bool {
        self.events.iter().any(|event| event.chat == chat && matches!(event.kind, Kind::Unsend(_)))
    }

    /// Adds one message, or several at once; some are unsent or followed by a forget command.
    fn somebody_writes(&mut self, rng: &mut Rng, chats: usize, at: u64) {
        // Some chats are far busier than others.
        let busiest = rng.usize(..chats);
        let chat = rng.usize(..=busiest);
        let first = self.events.len();
        let speaker = rng.usize(..3);
        for _ in 0..if rng.u8(..5) == 0 { rng.usize(2..6) } else { 1 } {
            let kind = match rng.u8(..100) {
                0..2 => Kind::TooLong,
                2..5 => Kind::Forget,
                5..25 if is_group(chat) => Kind::Aside,
                // Now and then a long text comes, so that the conversation outgrows the context.
                25..30 => Kind::Question(rng.usize(50..120)),
                _ => Kind::Question(rng.usize(..20)),
            };
            self.events.push(Event { chat, speaker, kind });
        }
        if rng.u8(..20) == 0 {
            let taken_back = rng.usize(first..self.events.len());
            self.events.push(Event { chat, speaker, kind: Kind::Unsend(taken_back) });
        }
        let mut at = at;
        let mut next = first;
        while next < self.events.len() {
            // Mostly a webhook carries one event.
            let many = if rng.u8(..4) == 0 { rng.usize(1..4) } else { 1 };
            let events: Vec<_> = (next..self.events.len().min(next + many)).collect();
            next += events.len();
            // Some webhooks are late, and so overtaken.
            let late = match rng.u8(..100) {
                0..92 => rng.u64(..300),
                92..98 => rng.u64(..10_000),
                _ => rng.u64(..120_000),
            };
            if rng.u8(..100) < 6 {
                let again = at + late + rng.u64(..60_000);
                self.steps.push((again, Step::Delivers(events.clone())));
            }
            self.steps.push((at + late, Step::Delivers(events)));
            at += rng.u64(200..3_000);
        }
    }
}

fn status(status: u16) -> Fault {
    Fault::Respond(status, vec![], r#"{"message":"on purpose"}"#.to_owned())
}

fn busy(seconds: u64) -> Fault {
    Fault::Respond(429, vec![("retry-after", seconds.to_string())], r#"{"message":"on purpose"}"#.to_owned())
}

/// Draws a fault of one request.
fn fault(rng: &mut Rng) -> (&'static str, Fault) {
    let path = [COMPLETIONS, COMPLETIONS, COMPLETIONS, PUSH, PUSH, REPLY, LOADING][rng.usize(..7)];
    let is_model = path == COMPLETIONS;
    let fault = match rng.u8(..16) {
        0..3 => status(500),
        3 => status(503),
        4..6 => busy(1),
        6 => busy(20),
        7..9 => Fault::Reset,
        9..11 => Fault::Lose,
        11..13 => Fault::Late(Duration::from_millis(rng.u64(100..1_500))),
        13 => Fault::Hang,
        // A completion without an answer, and a refusal that no retry can change.
        14 if is_model => Fault::Respond(200, vec![], r#"{"choices":[]}"#.to_owned()),
        _ => status(400),
    };
    (path, fault)
}

/// Draws a fault that lasts for a while.
fn outage(rng: &mut Rng) -> (&'static str, Fault) {
    let path = [COMPLETIONS, PUSH, REPLY][rng.usize(..3)];
    let fault = [status(500), busy(1), Fault::Reset, Fault::Hang, Fault::Lose];
    (path, fault[rng.usize(..fault.len())].clone())
}
