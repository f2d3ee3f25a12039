//! A turn as the head names it: its question, and the turn that has its answer. Several questions that came in a burst
//! share the answer of the last one. Pure.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use shared::job::EventId;

use super::item::{n, number, s, text};
use crate::{
    history::{TurnRef, row_id},
    rules::conversation::Role,
};

/// The name of the attribute with the turn of the answer.
const ANSWERED_BY: &str = "answeredBy";

/// A turn that is part of a conversation.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) turn: TurnRef,
    /// The `createdAt` of the question's row.
    pub(super) created_at: String,
    /// The time when the question was said, in Unix milliseconds. An older worker did not write it.
    pub(super) said_at: Option<i64>,
    pub(super) answer: Answer,
}

/// The place of the answer to a question.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The answer is in the same turn.
    Own,
    /// The answer is in the turn of this event.
    Of(EventId),
    /// There is no answer any more.
    Gone,
}

/// Returns the ids of a turn's rows: question and answer.
pub(super) fn row_ids(event: &EventId) -> [String; 2] {
    [Role::User, Role::Assistant].map(|role| row_id(event, role).to_string())
}

impl Asked {
    /// Reads a turn from an attribute of the head row.
    pub(super) fn of_attribute(turn: &AttributeValue) -> Option<Self> {
        let turn = turn.as_m().ok()?;
        let event = text(turn, "event")?.to_owned().try_into().ok()?;
        let message_id = text(turn, "messageId").and_then(|id| id.to_owned().try_into().ok());
        let answer = match turn.get(ANSWERED_BY) {
            None => Answer::Own,
            Some(AttributeValue::S(event)) => event.clone().try_into().map_or(Answer::Gone, Answer::Of),
            Some(_) => Answer::Gone,
        };
        Some(Self {
            turn: TurnRef { event, message_id },
            created_at: text(turn, "createdAt")?.to_owned(),
            said_at: number(turn, "saidAt"),
            answer,
        })
    }

    /// Writes a turn in the form that [`Self::of_attribute`] reads.
    pub(super) fn attribute(&self) -> AttributeValue {
        let mut turn = HashMap::from([
            ("event".to_owned(), s(self.turn.event.as_str())),
            ("createdAt".to_owned(), s(&self.created_at)),
        ]);
        turn.extend(self.turn.message_id.as_ref().map(|id| ("messageId".to_owned(), s(id.as_str()))));
        turn.extend(self.said_at.map(|at| ("saidAt".to_owned(), n(at))));
        match &self.answer {
            Answer::Own => None,
            Answer::Of(event) => turn.insert(ANSWERED_BY.to_owned(), s(event.as_str())),
            Answer::Gone => turn.insert(ANSWERED_BY.to_owned(), AttributeValue::Null(true)),
        };
        AttributeValue::M(turn)
    }

    /// Returns the ids of the turn's own rows: the question, and the answer if it is in the same turn.
    pub(super) fn rows(&self) -> Vec<String> {
        let [question, answer] = row_ids(&self.turn.event);
        if self.answer == Answer::Own { vec![question, answer] } else { vec![question] }
    }

    /// Returns the turn's own event.
    pub(super) fn event(&self) -> &EventId {
        &self.turn.event
    }

    /// Returns the event of the turn that has the answer.
    pub(super) fn answered_in(&self) -> Option<&EventId> {
        match &self.answer {
            Answer::Own => Some(&self.turn.event),
            Answer::Of(other) => Some(other),
            Answer::Gone => None,
        }
    }

    /// Records that the turn `new` now has the answer, if the turn `old` had it.
    pub(super) fn is_answered_by(&mut self, old: &EventId, new: &EventId) {
        if self.answer == Answer::Of(old.clone()) {
            self.answer = Answer::Of(new.clone());
        }
    }

    /// Records that these rows are deleted; false if the question is one of them.
    pub(super) fn outlives(&mut self, gone: &[String]) -> bool {
        let [question, answer] = row_ids(&self.turn.event);
        if self.answer == Answer::Own && gone.contains(&answer) {
            self.answer = Answer::Gone;
        }
        !gone.contains(&question)
    }
}
