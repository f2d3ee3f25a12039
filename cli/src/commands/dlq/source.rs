//! The place of the letters: SQLite or SQS. The other files of `dlq` do not depend on the difference.

use std::{collections::HashSet, path::Path};

use anyhow::{Context, bail};
use jiff::Timestamp;
use local::{
    dead_letter::DeadLetter,
    serve::DATABASE,
    sqlite::{
        Database,
        dead_letters::{DeadLetters, Redriven},
    },
};
use shared::job::JobError;
use tokio_util::sync::CancellationToken;
use worker::clock::Clock;

#[cfg(feature = "aws")]
use super::sqs::SqsLetters;
use crate::deployment::Place;

/// The dead letters of one bot.
pub enum Source {
    /// The letters in a directory of `henji serve`.
    Sqlite {
        /// The letters in the database.
        letters: DeadLetters,
        /// Whether [`Source::next`] has returned them.
        is_read: bool,
    },
    /// The letters of a deployment on AWS.
    #[cfg(feature = "aws")]
    Sqs(Box<SqsLetters>),
}

/// The letters that could be seen, and the queue's count.
pub struct Seen {
    /// The letters, oldest first.
    pub letters: Vec<DeadLetter>,
    /// The number of messages that the queue itself counts; one event may have several.
    pub total: u64,
    /// The number of messages that these letters were made of.
    pub messages: u64,
}

/// Opens the database of a directory of `henji serve`.
pub fn database(data: &Path) -> anyhow::Result<Database> {
    let path = data.join(DATABASE);
    if !path.is_file() {
        bail!(
            "there is no {}: --data names the directory of `henji serve`, --env a deployment on AWS",
            path.display()
        );
    }
    Database::existing(&path).with_context(|| format!("{} cannot be used", path.display()))
}

impl Source {
    /// Opens the letters of the bot in this place.
    pub fn open(place: &Place, clock: Clock) -> anyhow::Result<Self> {
        match place {
            Place::Data(data) => {
                Ok(Self::Sqlite { letters: DeadLetters::new(database(data)?, clock), is_read: false })
            }
            #[cfg(feature = "aws")]
            Place::Aws(deployment) => Ok(Self::Sqs(Box::new(SqsLetters::new(deployment, clock)))),
        }
    }

    /// Reads all letters that can be seen, or fewer if `stop` is cancelled. Nothing stays hidden afterwards.
    pub async fn look(&mut self, stop: &CancellationToken) -> anyhow::Result<Seen> {
        let mut letters: Vec<DeadLetter> = vec![];
        let looked = async {
            while !stop.is_cancelled() {
                let next = self.next().await?;
                if next.is_empty() {
                    break;
                }
                letters.extend(next);
            }
            anyhow::Ok(())
        };
        let looked = looked.await;
        // Held letters are given back also if reading failed.
        self.end().await?;
        looked?;
        letters.sort_by(|a, b| (a.failed_at, &a.id).cmp(&(b.failed_at, &b.id)));
        let messages = letters.iter().map(|letter| letter.held.len().max(1) as u64).sum();
        // Only the newest letter of an event is shown; an older one may have come in an earlier batch.
        let mut events = HashSet::new();
        letters.reverse();
        letters.retain(|letter| events.insert(letter.event.clone()));
        letters.reverse();
        let total = self.total().await?.max(messages);
        Ok(Seen { letters, total, messages })
    }

    /// Returns the next letters, or none when there are no more. On SQS they are hidden from others until
    /// [`Self::end`]. The letters of one conversation come in its order.
    pub async fn next(&mut self) -> anyhow::Result<Vec<DeadLetter>> {
        match self {
            Self::Sqlite { is_read: true, .. } => Ok(vec![]),
            Self::Sqlite { letters, is_read } => {
                *is_read = true;
                Ok(letters.list().await?)
            }
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.next().await,
        }
    }

    /// Shows again to others the letters that were returned and not removed.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only the SQS variant awaits"))]
    pub async fn end(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite { is_read, .. } => *is_read = false,
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.show_again().await?,
        }
        Ok(())
    }

    /// Whether reading the letters hides none of them from others.
    pub fn reads_without_hiding(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// Returns the number of messages that are held now; `None` on SQLite, which holds none.
    pub fn held(&self) -> Option<u64> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => Some(letters.held()),
        }
    }

    /// Returns the number of messages (on SQLite: letters) that the queue itself counts.
    pub async fn total(&self) -> anyhow::Result<u64> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.list().await?.len() as u64),
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.total().await,
        }
    }

    /// Puts the job back into the queue, behind the later jobs of its conversation, and then removes its letters. After
    /// an interruption in between it can be done again: nothing is answered twice.
    pub async fn redrive(&mut self, letter: &DeadLetter) -> anyhow::Result<Redriven> {
        match (letter.job(), self) {
            (Err(JobError::Newer(_) | JobError::Unreadable(_)), _) => Ok(Redriven::Unreadable),
            (Ok(_), Self::Sqlite { letters, .. }) => Ok(letters.redrive(&letter.id).await?),
            #[cfg(feature = "aws")]
            (Ok(job), Self::Sqs(letters)) => {
                letters.send(letter, job).await?;
                letters
                    .remove(letter)
                    .await
                    .context("the job is in the queue, but its letter could not be removed")?;
                Ok(Redriven::Queued)
            }
        }
    }

    /// Reads the letter again; none if it is gone. On SQS it is returned as it is, because others cannot see it while
    /// it is held.
    pub async fn again(&self, letter: &DeadLetter) -> anyhow::Result<Option<DeadLetter>> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.get(&letter.id).await?),
            #[cfg(feature = "aws")]
            Self::Sqs(_) => Ok(Some(letter.clone())),
        }
    }

    /// Removes the letters of an event; returns false if they were gone.
    pub async fn remove(&mut self, letter: &DeadLetter) -> anyhow::Result<bool> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.remove(&letter.event).await?),
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.remove(letter).await.map(|()| true),
        }
    }

    /// Allows another push of a stored answer that LINE may have delivered and no longer remembers; returns false if no
    /// answer is stored.
    pub async fn risk_resending(&self, letter: &DeadLetter) -> anyhow::Result<bool> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.risk_resending(&letter.event).await?),
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.risk_resending(letter).await,
        }
    }

    /// Returns the time when the user was notified that there will be no answer.
    pub async fn told_at(&self, letter: &DeadLetter) -> anyhow::Result<Option<Timestamp>> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.told_at(&letter.event).await?),
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => Ok(letters.turn(letter).await?.and_then(|turn| turn.told_at)),
        }
    }
}
