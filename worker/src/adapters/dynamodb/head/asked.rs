//! A turn as the head names it: its question, and in which turn its answer stands. Several that came in a
//! burst share the answer of the last. Pure.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use shared::job::EventId;

use super::{
    super::{s, text},
    Named,
};
use crate::{conversation::Role, history::row_id};

/// The name of the attribute with the turn of the answer.
const ANSWERED_BY: &str = "answeredBy";

/// A turn that is part of a conversation.
#[derive(Clone)]
pub(in super::super) struct Asked {
    pub(super) turn: Named,
    /// That of its question.
    pub(super) created_at: String,
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
pub(in super::super) fn row_ids(event: &EventId) -> [String; 2] {
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
            turn: Named { event, message_id },
            created_at: text(turn, "createdAt")?.to_owned(),
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

    /// The turns that are forgotten with it: itself, and that of its answer.
    pub(in super::super) fn events(&self) -> Vec<&EventId> {
        match &self.answer {
            Answer::Own | Answer::Gone => vec![&self.turn.event],
            Answer::Of(other) => vec![&self.turn.event, other],
        }
    }

    /// The rows that are forgotten with it.
    pub(in super::super) fn rows_to_forget(&self) -> Vec<String> {
        let mut rows = self.rows();
        if let Answer::Of(other) = &self.answer {
            let [_, answer] = row_ids(other);
            rows.push(answer);
        }
        rows
    }

    /// Another turn answers now what an old one answered.
    pub(super) fn is_answered_by(&mut self, old: &EventId, new: &EventId) {
        if self.answer == Answer::Of(old.clone()) {
            self.answer = Answer::Of(new.clone());
        }
    }

    /// Takes note of what is gone; false if nothing of it is left.
    pub(super) fn outlives(&mut self, gone: &[String]) -> bool {
        let [question, answer] = match &self.answer {
            Answer::Of(other) => {
                let ([question, _], [_, answer]) = (row_ids(&self.turn.event), row_ids(other));
                [question, answer]
            }
            Answer::Own | Answer::Gone => row_ids(&self.turn.event),
        };
        if gone.contains(&answer) {
            self.answer = Answer::Gone;
        }
        !gone.contains(&question)
    }
}
