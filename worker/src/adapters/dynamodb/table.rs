//! The table, and the heads that are remembered of it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};
use shared::job::ConversationId;

use super::{head::Head, item::remembered_until};

/// The most heads that are remembered between the loading and the storing of their turns. A head that is not remembered
/// costs one read.
const HEADS_MAX: usize = 64;

/// The history in a table.
pub struct DynamoHistory {
    pub(super) client: Client,
    pub(super) table: String,
    pub(super) ttl: Option<SignedDuration>,
    /// The heads that `load` read, so that `store` need not read them again. The condition of the write detects a head
    /// that is too old.
    heads: Mutex<HashMap<ConversationId, Head>>,
}

impl DynamoHistory {
    /// Makes the history in `table`. Its message rows expire after `ttl`, or never.
    pub fn new(config: &SdkConfig, table: String, ttl: Option<SignedDuration>) -> Self {
        Self { client: Client::new(config), table, ttl, heads: Mutex::default() }
    }

    pub(super) fn remember(&self, of: &ConversationId, head: Head) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if heads.len() >= HEADS_MAX {
            heads.clear();
        }
        heads.insert(of.clone(), head);
    }

    pub(super) fn recall(&self, of: &ConversationId) -> Option<Head> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).remove(of)
    }

    /// Returns when a message row that is stored now expires, in Unix seconds.
    pub(super) fn expires_at(&self, now: Timestamp) -> Option<i64> {
        Some(now.checked_add(self.ttl?).ok()?.as_second())
    }

    /// Returns when a head row that is stored now expires: with the newest row that it names, and not before its forget
    /// marker may expire or its pause ends.
    pub(super) fn head_expires_at(&self, head: &Head, now: Timestamp) -> Option<i64> {
        let mark = head.forgotten.map(|mark| remembered_until(mark.through));
        let pause = head.pause.map(|pause| pause.until / 1000 + 1);
        self.expires_at(now).map(|at| at.max(mark.unwrap_or(at)).max(pause.unwrap_or(at)))
    }
}
