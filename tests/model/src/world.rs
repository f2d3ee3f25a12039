//! The state of everything: the queue, the workers, the history, and LINE with the person behind it. No part of the
//! world can read the fields that begin with `ghost`: only the invariants use them.

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

/// The forget marker of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Marker {
    /// The number of markers that were set before it.
    pub number: u8,
    /// The last event that is forgotten.
    pub until: u8,
}

/// A set of events, one bit each.
pub type Events = u8;

/// The state of everything.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The half days that have passed.
    pub half_days: u8,
    /// The number of times that the conversation was forgotten.
    pub forgets: u8,
    /// The forget marker of the conversation.
    pub marker: Option<Marker>,
    /// Whether the chat is paused.
    pub is_paused: bool,
    /// The acts of people, in the order in which the queue took them.
    pub events: Vec<Event>,
    /// The jobs of the conversation, in order.
    pub queue: Vec<Queued>,
    /// The workers.
    pub workers: Vec<Worker>,
    /// The number of times that each disturbance has happened.
    pub happened: [u8; DISTURBANCES],
    /// The invariants that are broken, by [`Invariant::bit`].
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
    /// The event of the job.
    pub event: u8,
    /// The run: 0 is the first, each redrive begins another.
    pub run: u8,
}

/// All facts about an event, from every part of the world.
#[derive(Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is known to another part of the world")]
pub struct Event {
    /// The kind of act.
    pub kind: Kind,
    /// The row of its turn for each run: the runs share the stage, and each has its own counts.
    pub rows: Vec<Row>,
    /// The message row of the question, if it exists, with the turn that holds the answer.
    pub asked: Option<Option<u8>>,
    /// The number of edits of its message, as the history keeps it.
    pub edits: u8,
    /// Whether its message was unsent: nobody stores it any more.
    pub is_unsent: bool,
    /// Whether the deletion of its stored rows is still to come.
    pub is_unsend_under_way: bool,
    /// The last stored answer.
    pub answer: Answer,
    /// The half day since which LINE knows the retry key of each part.
    pub keys: [Option<u8>; PARTS],
    /// The half day since which LINE knows the retry key of the apology.
    pub apology_key: Option<u8>,
    /// Whether the reply token is too old.
    pub token_is_old: bool,
    /// Whether the reply token was used.
    pub token_is_used: bool,
    /// The dead letter.
    pub letter: Option<DeadLetter>,
    /// The number of redrives so far.
    pub redrives: u8,
    /// The number of times that the person saw each part.
    pub ghost_said: [u8; PARTS],
    /// The answer that the person saw.
    pub ghost_seen: Answer,
    /// The number of apologies that the person got.
    pub ghost_apologies: u8,
    /// Whether its answer is stored, and was not deleted for the sake of the other questions.
    pub ghost_stored: bool,
    /// The turn that its answer was stored with.
    pub ghost_merged: Option<u8>,
    /// Whether it had a dead letter.
    pub ghost_had_letter: bool,
    /// Whether the conversation was forgotten up to this event or a later one.
    pub ghost_forgotten: bool,
    /// Whether a pause ended its turn without an answer.
    pub ghost_silenced: bool,
    /// Whether a worker died in its last attempt.
    pub ghost_died: bool,
    /// Whether the operator risked a second delivery.
    pub ghost_risked: bool,
    /// The number of redrives after which its answer goes by the free reply and is not pushed.
    pub ghost_replies_only: Option<u8>,
}

/// A stored answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The number of parts.
    pub parts: u8,
    /// The events that it answers.
    pub of: Events,
    /// Whether it is part of the conversation. A notice is not, and holds no words.
    pub is_exchange: bool,
    /// The number of answers that were stored before it.
    pub version: u8,
}

/// A dead letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct DeadLetter {
    /// The reason.
    pub reason: Why,
}

/// The reason of a failed attempt.
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

/// The end of the attempt before.
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

/// The knowledge about the pushes of an answer.
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
        let method = match method {
            SendMethod::Push => 0,
            SendMethod::ReplyToken => 1,
            SendMethod::ReplyOnly => 2,
        };
        (pushed, kind, state.unknown_since(), method).hash(to);
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
            ghost_silenced: false,
            ghost_died: false,
            ghost_risked: false,
            ghost_replies_only: None,
        }
    }

    /// Returns the stage of the turn.
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
    /// Makes the state before anything happens.
    pub fn new(model: &Model) -> Self {
        Self {
            half_days: 0,
            forgets: 0,
            marker: None,
            is_paused: false,
            events: vec![],
            queue: vec![],
            workers: vec![Worker::default(); model.setting.workers],
            happened: [0; DISTURBANCES],
            broken: 0,
        }
    }

    /// Takes the webhook of the next act.
    pub fn hear(&mut self, kind: Kind) {
        let event = u8::try_from(self.events.len()).unwrap_or(u8::MAX);
        self.events.push(Event::new(kind));
        self.queue.push(Queued { job: Job { event, run: 0 }, holder: None });
    }

    /// Returns the time. It advances by half days, and by a second when the conversation is forgotten: no other times
    /// need to differ.
    pub fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
            + SignedDuration::from_hours(12 * i64::from(self.half_days))
            + SignedDuration::from_secs(self.forgets.into())
    }

    /// Whether LINE still knows a retry key that it took then: it does for a day.
    pub fn is_known(&self, key: Option<u8>) -> bool {
        key.is_some_and(|since| self.half_days < since + 2)
    }

    /// Reduces each fencing token to whether it is the newest, because nothing else matters. Growing tokens would
    /// make another state of each attempt that is handed back.
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

    /// Whether this disturbance may happen once more.
    pub fn may_happen(&self, model: &Model, kind: Disturbance) -> bool {
        let all: u8 = self.happened.iter().sum();
        self.happened[kind as usize] < model.setting.most[kind as usize] && all < model.setting.total
    }

    /// Returns an event.
    pub fn event(&self, event: u8) -> &Event {
        &self.events[usize::from(event)]
    }

    /// Returns an event for a change.
    pub fn event_mut(&mut self, event: u8) -> &mut Event {
        &mut self.events[usize::from(event)]
    }

    /// Whether a part of an answer's questions is unsent or forgotten.
    pub fn is_taken_back(&self, answer: &Answer) -> bool {
        let is_gone = |(event, of): (usize, &Event)| {
            let is_unsent = of.is_unsent && !of.is_unsend_under_way;
            answer.of & (1 << event) != 0 && (is_unsent || answer.is_exchange && of.ghost_forgotten)
        };
        self.events.iter().enumerate().any(is_gone)
    }

    /// Notes that an invariant is broken.
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
            if let Some(DeadLetter { reason }) = event.letter {
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
