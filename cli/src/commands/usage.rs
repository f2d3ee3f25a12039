//! `henji usage` shows each user's use of the model, and about what it cost.

use std::{collections::BTreeMap, process::ExitCode};

use jiff::ToSpan;
use local::sqlite::history;
use serde_json::json;
use shared::{env::Env, prices::Prices};
use worker::{
    clock::wall_clock,
    config::with_prices,
    history::{Tokens, Used, UsedFallback},
    rules::user_quota::UserQuota,
};

use crate::{
    commands::dlq::source::database,
    deployment::{Place, PlaceArgs},
    terminal::{note, say, say_json},
};

/// Arguments of `henji usage`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    /// The number of days, including today; usage is kept for 60 days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=60))]
    days: i64,
    /// Show one LINE user, day by day
    #[arg(long)]
    user: Option<String>,
    /// Print one JSON array, with an object for each user and day
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let place = args.place.find(env).await?;
    let env = &with_prices(place.settings(env));
    let prices = Prices::from_env(env)?;
    let today = UserQuota::from_env(env)?.day((wall_clock())());
    let since = today.checked_sub((args.days - 1).days())?.to_string();
    let mut all = used(&place, &since).await?;
    all.retain(|used| args.user.as_ref().is_none_or(|user| *user == used.user));
    all.sort_by(|a, b| (&a.day, &a.user).cmp(&(&b.day, &b.user)));
    let usd = |tokens: &Tokens| prices.map(|it| it.usd(*tokens));
    if args.json {
        let object = |Used { user, day, answers, tokens, fallback }: &Used| {
            let fallback = fallback.as_ref().map(|UsedFallback { model, answers, tokens }| {
                json!({
                    "model": model, "answers": answers, "prompt_tokens": tokens.prompt,
                    "cached_tokens": tokens.cached, "cache_written_tokens": tokens.cache_written,
                    "completion_tokens": tokens.completion,
                })
            });
            json!({
                "user": user, "day": day, "answers": answers, "prompt_tokens": tokens.prompt,
                "cached_tokens": tokens.cached, "cache_written_tokens": tokens.cache_written,
                "completion_tokens": tokens.completion, "usd": usd(tokens), "fallback": fallback,
            })
        };
        let objects: Vec<_> = all.iter().map(object).collect();
        say_json(&objects)?;
        return Ok(ExitCode::SUCCESS);
    }
    let of = |used: &Used| if args.user.is_some() { used.day.clone() } else { used.user.clone() };
    let mut total = (0, Tokens::default());
    let mut sums: BTreeMap<String, (u64, Tokens)> = BTreeMap::new();
    let mut by_fallback: BTreeMap<String, (u64, Tokens)> = BTreeMap::new();
    let add = |(answers, tokens): &mut (u64, Tokens), more: u64, more_tokens: Tokens| {
        *answers += more;
        *tokens = *tokens + more_tokens;
    };
    for used in &all {
        add(sums.entry(of(used)).or_default(), used.answers, used.tokens);
        add(&mut total, used.answers, used.tokens);
        if let Some(fallback) = &used.fallback {
            let by = by_fallback.entry(format!("of it by {}", fallback.model)).or_default();
            add(by, fallback.answers, fallback.tokens);
        }
    }
    let mut lines: Vec<_> = sums.into_iter().collect();
    if args.user.is_none() {
        lines.sort_by_key(|(_, (_, tokens))| std::cmp::Reverse(tokens.total()));
    }
    lines.push(("total".to_owned(), total));
    lines.extend(by_fallback);
    if all.is_empty() && args.user.is_some() {
        note("henji: nothing is found; is it the id, as the log names it?");
    }
    if prices.is_none() {
        note(
            "henji: no price of GPT_MODEL is known; set PROMPT_USD_PER_MILLION and COMPLETION_USD_PER_MILLION to see what it cost",
        );
    }
    let what = if args.user.is_some() { "day" } else { "user" };
    say(format!(
        "{what:33}  {:>8}  {:>12}  {:>12}  {:>12}  {:>10}",
        "answers", "prompt", "cached", "completion", "about USD"
    ))?;
    for (name, (answers, tokens)) in &lines {
        let usd = usd(tokens).map_or("?".to_owned(), |usd| format!("{usd:.4}"));
        let Tokens { prompt, cached, completion, .. } = tokens;
        say(format!("{name:33}  {answers:>8}  {prompt:>12}  {cached:>12}  {completion:>12}  {usd:>10}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the usage of each user and day, from this day on.
pub async fn used(place: &Place, since: &str) -> anyhow::Result<Vec<Used>> {
    match place {
        Place::Data(data) => Ok(history::used_since(&database(data)?, since).await?),
        #[cfg(feature = "aws")]
        Place::Aws(deployment) => {
            let table = deployment.table.clone();
            let history = worker::adapters::dynamodb::DynamoHistory::new(&deployment.sdk, table, None);
            Ok(history.used_since(since).await?)
        }
    }
}
