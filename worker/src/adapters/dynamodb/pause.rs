//! The pause of a chat, which the head row keeps: so `load` and `store` read it without a further request, and an answer
//! that was drafted before a pause conflicts with it.

use jiff::Timestamp;
use shared::job::ConversationId;

use super::{
    error::DynamoError,
    item::{Item, n, number},
    table::DynamoHistory,
    transaction::retried,
};
use crate::rules::pause::{Pause, PauseChange};

/// Reads the pause from the head row.
pub(super) fn of_item(item: &Item) -> Option<Pause> {
    let (since, until) = (number(item, "pausedSince")?, number(item, "pausedUntil")?);
    Some(Pause { since, until, staff_told: number(item, "staffTold") })
}

/// Adds the pause to the head row.
pub(super) fn add(pause: Pause, row: &mut Item) {
    row.insert("pausedSince".to_owned(), n(pause.since));
    row.insert("pausedUntil".to_owned(), n(pause.until));
    row.extend(pause.staff_told.map(|at| ("staffTold".to_owned(), n(at))));
}

impl DynamoHistory {
    /// Changes the pause.
    pub(super) async fn change_pause(
        &self,
        of: &ConversationId,
        change: PauseChange,
        now: Timestamp,
    ) -> Result<Option<Pause>, DynamoError> {
        retried(|| async {
            let head = self.head_to_follow(of, now).await?;
            let pause = Pause::following(head.pause, change);
            if pause != head.pause {
                let mut next = head.clone();
                next.pause = pause;
                // A pause is no message: it comes as little later than the newest one as is possible.
                next.moves_on(Timestamp::UNIX_EPOCH);
                let row = next.row(of, self.head_expires_at(&next, now));
                self.commit(vec![self.replace(&head, row)?]).await?;
            }
            Ok(pause)
        })
        .await
    }
}
