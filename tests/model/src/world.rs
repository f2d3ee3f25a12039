//! The state of everything: the queue, the workers, the history, and LINE with the person behind it. Fields that begin
//! with `ghost` are known to nobody in it: invariants are stated by them.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use jiff::{SignedDuration, Timestamp};
use worker::{
    failure::Reason,
    history::{LastAttempt, PushProgress, PushState, SendMethod, Stage},
    rules::turn::TurnState,
};

use crate::{
    invariants::Invariant,
    setting::{DISTURBANCES, Disturbance, Kind, Model},
    worker::Worker,
};

/// The most parts of an answer.
pub const PARTS: usize = 2;

/// Up to where a conversation is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Marker {
    /// How many were set before it.
    pub number: u8,
    /// What was said up to this event is forgotten.
    pub until: u8,
}

/// A set of events, one bit each.
pub type Events = u8;

/// The state of everything.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// Half days that have passed.
    pub half_days: u8,
    /// How often the conversation was forgotten.
    pub forgets: u8,
    /// Up to where it is forgotten.
    pub marker: Option<Marker>,
    /// What was said, in the order in which the queue took it.
    pub events: Vec<Event>,
    /// The jobs of the conversation, in order.
    pub queue: Vec<Queued>,
    /// The workers.
    pub workers: Vec<Worker>,
    /// How often each disturbance has happened.
    pub happened: [u8; DISTURBANCES],
    /// The promises that are broken, by [`Invariant::bit`].
    pub broken: u16,
}

/// A job in the queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Queued {
    /// The job.
    pub job: Job,
    /// The worker that has it in flight.
    pub holder: Option<u8>,
}

/// A job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Job {
    /// The event that it is for.
    pub event: u8,
    /// The run: 0 is the first, each redrive begins another.
    pub run: u8,
}

/// What is known of an event, by whomever.
#[derive(Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is known to somebody else")]
pub struct Event {
    /// What it is.
    pub kind: Kind,
    /// Its turn, once for each run: the stages are the same, what is counted is the run's own.
    pub rows: Vec<Row>,
    /// The message row of the question is there, and names the turn that holds the answer.
    pub asked: Option<Option<u8>>,
    /// How often its message was changed, as the history keeps it.
    pub edits: u8,
    /// Its message was taken back: nobody stores it any more.
    pub is_unsent: bool,
    /// What is stored of it is still to go.
    pub is_unsend_under_way: bool,
    /// The answer that is stored, or was.
    pub answer: Answer,
    /// LINE knows the retry key of each part since that half day.
    pub keys: [Option<u8>; PARTS],
    /// The same of the apology.
    pub apology_key: Option<u8>,
    /// The reply token is too old.
    pub token_is_old: bool,
    /// The reply token was used.
    pub token_is_used: bool,
    /// The dead letter.
    pub letter: Option<Letter>,
    /// Redrives so far.
    pub redrives: u8,
    /// How often the person saw each part.
    pub ghost_said: [u8; PARTS],
    /// The answer that the person saw.
    pub ghost_seen: Answer,
    /// How often the person was told that there is no answer.
    pub ghost_apologies: u8,
    /// Its answer is stored, and was not taken out again for the others' sake.
    pub ghost_stored: bool,
    /// The turn that its answer was stored with.
    pub ghost_merged: Option<u8>,
    /// It had a dead letter.
    pub ghost_had_letter: bool,
    /// The conversation was forgotten, and it was said no later.
    pub ghost_forgotten: bool,
    /// A worker died in its last attempt.
    pub ghost_died: bool,
    /// The operator risked that it is said twice.
    pub ghost_risked: bool,
}

/// A stored answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Answer {
    /// How many parts it has.
    pub parts: u8,
    /// The events that it answers.
    pub of: Events,
    /// It is part of the conversation. A notice is not, and holds no words.
    pub is_exchange: bool,
    /// How many were stored before it.
    pub version: u8,
}

/// A dead letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Letter {
    /// The reason.
    pub reason: Why,
}

/// Why an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Why(pub Reason);

impl Hash for Why {
    fn hash<H: Hasher>(&self, to: &mut H) {
        (self.0 as u8).hash(to);
    }
}

/// The row of a turn.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row(pub TurnState);

impl Hash for Row {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let TurnState { stage, notified_at, run, attempts, begun, last, quota_since, cost } = &self.0;
        let stage = match stage {
            Stage::Open => (0, None),
            Stage::Stored(progress) => (1, Some(Progress(*progress))),
            Stage::Delivered => (2, None),
            Stage::Forgotten => (3, None),
            Stage::InDoubt => (4, None),
        };
        (stage, notified_at, run.is_some(), attempts, begun, Last(*last), quota_since, cost.paid_calls)
            .hash(to);
    }
}

/// How the attempt before ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Last(pub LastAttempt);

impl Hash for Last {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let last = match self.0 {
            LastAttempt::None => (0, 0),
            LastAttempt::Failed(reason) => (1, reason as u8),
            LastAttempt::Crashed => (2, 0),
            LastAttempt::GaveUp(reason) => (3, reason as u8),
        };
        last.hash(to);
    }
}

/// What is known of the pushes of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress(pub PushProgress);

impl Hash for Progress {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let PushProgress { pushed, state, method } = self.0;
        let kind = match state {
            PushState::Untried { .. } => 0,
            PushState::Refused => 1,
            PushState::Unknown { .. } => 2,
        };
        (pushed, kind, state.unknown_since(), method == SendMethod::ReplyToken).hash(to);
    }
}

impl Event {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            rows: vec![Row::default()],
            asked: None,
            edits: 0,
            is_unsent: false,
            is_unsend_under_way: false,
            answer: Answer::default(),
            keys: [None; PARTS],
            apology_key: None,
            token_is_old: false,
            token_is_used: false,
            letter: None,
            redrives: 0,
            ghost_said: [0; PARTS],
            ghost_seen: Answer::default(),
            ghost_apologies: 0,
            ghost_stored: false,
            ghost_merged: None,
            ghost_had_letter: false,
            ghost_forgotten: false,
            ghost_died: false,
            ghost_risked: false,
        }
    }

    /// How far the turn got.
    pub fn stage(&self) -> Stage<PushProgress> {
        self.rows[0].0.stage
    }

    /// Whether the person has all of the answer.
    pub fn is_said(&self) -> bool {
        let parts = usize::from(self.answer.parts);
        parts > 0 && self.ghost_said[..parts].iter().all(|times| *times > 0)
    }
}

impl World {
    /// Nothing was said yet.
    pub fn new(model: &Model) -> Self {
        Self {
            half_days: 0,
            forgets: 0,
            marker: None,
            events: vec![],
            queue: vec![],
            workers: vec![Worker::default(); model.setting.workers],
            happened: [0; DISTURBANCES],
            broken: 0,
        }
    }

    /// A webhook brings what is said next.
    pub fn hear(&mut self, kind: Kind) {
        let event = u8::try_from(self.events.len()).unwrap_or(u8::MAX);
        self.events.push(Event::new(kind));
        self.queue.push(Queued { job: Job { event, run: 0 }, holder: None });
    }

    /// The time. It goes on with half days, and by a second where the conversation is forgotten: nothing else tells times
    /// apart.
    pub fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
            + SignedDuration::from_hours(12 * i64::from(self.half_days))
            + SignedDuration::from_secs(self.forgets.into())
    }

    /// Whether LINE still knows a retry key that it took then: it does for a day.
    pub fn is_known(&self, key: Option<u8>) -> bool {
        key.is_some_and(|since| self.half_days < since + 2)
    }

    /// Of the fencing tokens only whether they are the newest matters. Counted on, they would make of each attempt that is
    /// given back another state.
    pub fn forget_old_tokens(&mut self) {
        for (number, event) in self.events.iter_mut().enumerate() {
            let newest = event.rows[0].0.begun;
            let token = |begun: u32| u32::from(begun == newest && newest > 0);
            for worker in &mut self.workers {
                if usize::from(worker.job.event) == number {
                    worker.turn.begun = token(worker.turn.begun);
                }
                if let (Some(other), Some(turn)) = (worker.other, &mut worker.other_turn)
                    && usize::from(other.event) == number
                {
                    turn.begun = token(turn.begun);
                }
            }
            event.rows.iter_mut().for_each(|Row(row)| row.begun = token(newest));
        }
    }

    /// Whether that may happen once more.
    pub fn may_happen(&self, model: &Model, kind: Disturbance) -> bool {
        let all: u8 = self.happened.iter().sum();
        self.happened[kind as usize] < model.setting.most[kind as usize] && all < model.setting.total
    }

    /// An event.
    pub fn event(&self, event: u8) -> &Event {
        &self.events[usize::from(event)]
    }

    /// The same, to be changed.
    pub fn event_mut(&mut self, event: u8) -> &mut Event {
        &mut self.events[usize::from(event)]
    }

    /// Whether a part of what an answer answers is taken back or forgotten.
    pub fn is_taken_back(&self, answer: &Answer) -> bool {
        let is_gone = |(event, of): (usize, &Event)| {
            let is_unsent = of.is_unsent && !of.is_unsend_under_way;
            answer.of & (1 << event) != 0 && (is_unsent || answer.is_exchange && of.ghost_forgotten)
        };
        self.events.iter().enumerate().any(is_gone)
    }

    /// A promise is broken.
    pub fn breaks(&mut self, invariant: Invariant) {
        self.broken |= invariant.bit();
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, event) in self.events.iter().enumerate() {
            let rows = &event.rows;
            let row = &rows[rows.len() - 1].0;
            write!(f, "[{number}: {} attempts {} last {:?}", stage(row.stage), row.attempts, row.last)?;
            if event.ghost_said[0] + event.ghost_said[1] > 0 {
                write!(f, ", said {:?}", event.ghost_said)?;
            }
            if event.ghost_apologies > 0 {
                write!(f, ", told")?;
            }
            if let Some(Letter { reason }) = event.letter {
                write!(f, ", letter {:?}", reason.0)?;
            }
            write!(f, "] ")?;
        }
        write!(f, "queue")?;
        for Queued { job: Job { event, run }, holder } in &self.queue {
            write!(f, " {event}/{run}{}", holder.map_or(String::new(), |it| format!("→{it}")))?;
        }
        for (number, worker) in self.workers.iter().enumerate() {
            write!(f, " | worker {number} {:?}", worker.at)?;
        }
        Ok(())
    }
}

fn stage(stage: Stage<PushProgress>) -> String {
    match stage {
        Stage::Stored(PushProgress { pushed, state, method }) => {
            let next = match state.unknown_since() {
                None => "refused".to_owned(),
                Some(since) => format!("unknown since half day {}", since.as_second() / 43_200),
            };
            format!("stored, {pushed} pushed, next {next} by {method:?}")
        }
        other => format!("{other:?}").to_lowercase(),
    }
}
