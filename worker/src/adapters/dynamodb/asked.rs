//! A turn as the head names it: its question, and in which turn its answer stands. Several that came in a
//! burst share the answer of the last. Pure.

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
    /// That of its question.
    pub(super) created_at: String,
    /// When it was said. An older worker did not write it.
    pub(super) said_at: Option<i64>,
    pub(super) answer: Answer,
}

/// Where the answer to a question stands.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// In the same turn.
    Own,
    /// In that of this event.
    Of(EventId),
    /// Nowhere any more.
    Gone,
}

/// The ids of a turn's rows: question and answer.
pub(super) fn row_ids(event: &EventId) -> [String; 2] {
    [Role::User, Role::Assistant].map(|role| row_id(event, role).to_string())
}

impl Asked {
    /// What the head row says of it.
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

    /// See [`Self::of_attribute`].
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

    /// The ids of its own rows.
    pub(super) fn rows(&self) -> Vec<String> {
        let [question, answer] = row_ids(&self.turn.event);
        if self.answer == Answer::Own { vec![question, answer] } else { vec![question] }
    }

    /// Its own turn.
    pub(super) fn event(&self) -> &EventId {
        &self.turn.event
    }

    /// The turn in which its answer stands.
    pub(super) fn answered_in(&self) -> Option<&EventId> {
        match &self.answer {
            Answer::Own => Some(&self.turn.event),
            Answer::Of(other) => Some(other),
            Answer::Gone => None,
        }
    }

    /// Another turn answers now what an old one answered.
    pub(super) fn is_answered_by(&mut self, old: &EventId, new: &EventId) {
        if self.answer == Answer::Of(old.clone()) {
            self.answer = Answer::Of(new.clone());
        }
    }

    /// Takes note of what is gone; false if its question is.
    pub(super) fn outlives(&mut self, gone: &[String]) -> bool {
        let [question, answer] = row_ids(&self.turn.event);
        if self.answer == Answer::Own && gone.contains(&answer) {
            self.answer = Answer::Gone;
        }
        !gone.contains(&question)
    }
}
