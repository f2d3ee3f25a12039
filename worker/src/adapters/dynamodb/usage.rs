//! The usage of people, for `henji usage`. It is found by reading the whole table, because its rows are not in the
//! article's index, and operators ask seldom.

use super::{
    error::{DynamoError, failed},
    item::{Item, number, s, text},
    table::DynamoHistory,
};
use crate::history::{HistoryError, Tokens, Used, UsedFallback};

/// The prefix of the rows' keys.
const PREFIX: &str = "usage#";

impl DynamoHistory {
    /// Returns the usage of each person on each day from this day on.
    pub async fn used_since(&self, day: &str) -> Result<Vec<Used>, HistoryError> {
        self.scan_usage(day).await.map_err(failed("list the usage"))
    }

    async fn scan_usage(&self, since: &str) -> Result<Vec<Used>, DynamoError> {
        let scan = self.client.scan().table_name(&self.table).filter_expression("begins_with(id, :usage)");
        let scan = scan.expression_attribute_values(":usage", s(PREFIX));
        let used = |row: &Item| {
            let (user, day) = text(row, "id")?.strip_prefix(PREFIX)?.rsplit_once('#')?;
            let count = |name| number(row, name).unwrap_or(0);
            let tokens = Tokens {
                prompt: count("promptTokens"),
                cached: count("cachedTokens"),
                cache_written: count("cacheWrittenTokens"),
                completion: count("completionTokens"),
            };
            let fallback = text(row, "fallbackModel").map(|model| UsedFallback {
                model: model.to_owned(),
                answers: count("fallbackAnswers"),
                tokens: Tokens {
                    prompt: count("fallbackPromptTokens"),
                    cached: count("fallbackCachedTokens"),
                    cache_written: count("fallbackCacheWrittenTokens"),
                    completion: count("fallbackCompletionTokens"),
                },
            });
            // A row of the period `ever` keeps the refusals that are sent once for all time. It belongs to no day.
            (day >= since && day != "ever").then(|| Used {
                user: user.to_owned(),
                day: day.to_owned(),
                answers: count("answers"),
                tokens,
                fallback,
            })
        };
        let (mut all, mut rows) = (vec![], scan.into_paginator().items().send());
        while let Some(row) = rows.try_next().await? {
            all.extend(used(&row));
        }
        Ok(all)
    }
}
