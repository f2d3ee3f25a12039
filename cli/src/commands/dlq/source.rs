//! Where the letters are: SQLite or SQS. What differs between the two ends here.

use std::{collections::HashSet, path::Path};

use anyhow::{Context, bail};
use jiff::Timestamp;
use local::{
    dead_letter::Letter,
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
    /// Those of a directory of `henji serve`.
    Sqlite {
        /// The letters.
        letters: DeadLetters,
        /// Whether [`Source::next`] has handed them out.
        is_read: bool,
    },
    /// Those of a deployment.
    #[cfg(feature = "aws")]
    Sqs(Box<SqsLetters>),
}

/// What could be seen.
pub struct Seen {
    /// The letters, oldest first.
    pub letters: Vec<Letter>,
    /// How many messages the queue itself counts, of which one event may have several.
    pub total: u64,
    /// How many messages are behind these letters.
    pub messages: u64,
}

/// The database of a directory of `henji serve`.
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
    /// Opens what is in that place.
    pub fn open(place: &Place, clock: Clock) -> anyhow::Result<Self> {
        match place {
            Place::Data(data) => {
                Ok(Self::Sqlite { letters: DeadLetters::new(database(data)?, clock), is_read: false })
            }
            #[cfg(feature = "aws")]
            Place::Aws(deployment) => Ok(Self::Sqs(Box::new(SqsLetters::new(deployment, clock)))),
        }
    }

    /// All letters that can be seen, or fewer where `stop` is cancelled. Nothing is hidden afterwards.
    pub async fn look(&mut self, stop: &CancellationToken) -> anyhow::Result<Seen> {
        let mut letters: Vec<Letter> = vec![];
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
        // Also where the looking failed.
        self.end().await?;
        looked?;
        letters.sort_by(|a, b| (a.failed_at, &a.id).cmp(&(b.failed_at, &b.id)));
        let messages = letters.iter().map(|letter| letter.held.len().max(1) as u64).sum();
        // Of one event the newest is shown; an older one may have come in an earlier batch.
        let mut events = HashSet::new();
        letters.reverse();
        letters.retain(|letter| events.insert(letter.event.clone()));
        letters.reverse();
        let total = self.total().await?.max(messages);
        Ok(Seen { letters, total, messages })
    }

    /// The next letters, which are nobody else's until [`Self::end`]; none when there are no more. Those
    /// of one conversation come in its order.
    pub async fn next(&mut self) -> anyhow::Result<Vec<Letter>> {
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

    /// Gives back what was handed out and is still there.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only SQS is waited for"))]
    pub async fn end(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite { is_read, .. } => *is_read = false,
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.show_again().await?,
        }
        Ok(())
    }

    /// Whether looking hides nothing from anybody.
    pub fn is_looked_at_freely(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// How many messages were handed out and are still there, where the queue counts messages.
    pub fn held(&self) -> Option<u64> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => Some(letters.held()),
        }
    }

    /// How many letters the queue itself counts.
    pub async fn total(&self) -> anyhow::Result<u64> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.list().await?.len() as u64),
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.total().await,
        }
    }

    /// Puts the job back into the queue, behind what its conversation sent since, and then removes its
    /// letters. Interrupted in between, it can be done again: nothing is answered twice.
    pub async fn redrive(&mut self, letter: &Letter) -> anyhow::Result<Redriven> {
        match (letter.job(), self) {
            (Err(JobError::Newer(_) | JobError::Unreadable(_)), _) => Ok(Redriven::Unreadable),
            (Ok(_), Self::Sqlite { letters, .. }) => Ok(letters.redrive(&letter.id).await?),
            #[cfg(feature = "aws")]
            (Ok(job), Self::Sqs(letters)) => {
                letters.send(letter, job).await?;
                letters.remove(letter).await.context("its job is in the queue, and its letter still here")?;
                Ok(Redriven::Queued)
            }
        }
    }

    /// The letter as it is now; none if it is gone. On SQS nobody else has it while it is held.
    pub async fn again(&self, letter: &Letter) -> anyhow::Result<Option<Letter>> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.get(&letter.id).await?),
            #[cfg(feature = "aws")]
            Self::Sqs(_) => Ok(Some(letter.clone())),
        }
    }

    /// Removes the letters of an event; false if they were gone.
    pub async fn remove(&mut self, letter: &Letter) -> anyhow::Result<bool> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.remove(&letter.event).await?),
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.remove(letter).await.map(|()| true),
        }
    }

    /// Lets a stored answer be pushed although LINE may have it and no longer knows; false if none is stored.
    pub async fn risk_resending(&self, letter: &Letter) -> anyhow::Result<bool> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.risk_resending(&letter.event).await?),
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => letters.risk_resending(letter).await,
        }
    }

    /// When its user was told that there will be no answer.
    pub async fn told_at(&self, letter: &Letter) -> anyhow::Result<Option<Timestamp>> {
        match self {
            Self::Sqlite { letters, .. } => Ok(letters.told_at(&letter.event).await?),
            #[cfg(feature = "aws")]
            Self::Sqs(letters) => Ok(letters.turn(letter).await?.and_then(|turn| turn.told_at)),
        }
    }
}
