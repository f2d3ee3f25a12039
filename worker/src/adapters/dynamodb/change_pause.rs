//! Changes the pause of a chat in its head row.

use jiff::Timestamp;
use shared::job::ConversationId;

use super::{error::DynamoError, table::DynamoHistory, transaction::retried};
use crate::rules::pause::{Pause, PauseChange};

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
