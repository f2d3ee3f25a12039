//! Storing an answer, all or nothing.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use shared::job::{Job, MessageId};
use worker::{
    history::{Answer, Exchange, ForgetMarker, Question, Stage, StoreResult, Tokens, UsageDelta, row_id},
    rules::{
        conversation::{Role, rfc3339, stamp},
        forget_marker::Fit,
        message_kind::MessageKind,
        turn::{Conflict, TurnState, TurnStep, apply},
    },
};

use super::{forget, group, past, turn_row};
use crate::sqlite::rows::time;

pub(super) fn store(
    db: &Connection,
    job: &Job,
    answer: Answer,
    seen: Option<ForgetMarker>,
    ttl: Option<SignedDuration>,
    now: Timestamp,
) -> rusqlite::Result<Result<StoreResult, Conflict>> {
    let own = job.event_id.as_str();
    let (before, stage) = turn_row::read_with_pushes(db, own)?.unwrap_or_default();
    let millis = now.as_millisecond();
    let stored = TurnStep::Stored { by: answer.by, method: answer.method, now: time(millis) };
    let (after, progress) = match apply(&before, &stored) {
        Ok(after @ TurnState { stage: Stage::Stored(progress), .. }) => (after, progress),
        Err(overtaken @ Conflict::Overtaken) => return Ok(Err(overtaken)),
        Ok(_) | Err(_) => return Ok(Ok(StoreResult::Existing(stage))),
    };
    if let Some(kept) = group::refuses(db, job, &answer)? {
        return Ok(Ok(kept));
    }
    let mut forgotten_before = None;
    if let Some(exchange) = &answer.exchange {
        // A marker that was seen and is gone was swept in the meantime, because it was old.
        let said = exchange.questions.iter().map(|said| said.said_at);
        let past::Conversation { forgotten, pause, .. } = past::conversation(db, &job.conversation)?;
        match forgotten.map_or(Fit::Fits, |marker| marker.fit(job, said, seen)) {
            Fit::Fits => {}
            Fit::Stale => return Ok(Ok(StoreResult::Changed)),
            Fit::Forgotten => return Ok(Ok(StoreResult::Forgotten)),
        }
        let is_paused = pause.is_some_and(|pause| pause.stops(job, now));
        let was_unsent = group::is_unsent(db, answer.quoted_from.as_ref())?;
        if is_paused || was_unsent || past::others(db, &job.event_id)? != answer.others {
            return Ok(Ok(StoreResult::Changed));
        }
        for Question { message_id, .. } in &exchange.questions {
            if group::is_unsent(db, message_id.as_ref())? {
                return Ok(Ok(StoreResult::Forgotten));
            }
        }
        forgotten_before = forgotten;
    }
    let mut merged = vec![];
    for event in &answer.merged {
        let other = turn_row::read(db, event.as_str())?.unwrap_or_default();
        let Ok(over) = apply(&other, &TurnStep::Merged) else { return Ok(Ok(StoreResult::Overtaken)) };
        merged.push((event, other, over));
    }
    if let Some(exchange) = &answer.exchange {
        let last = past::last(db, &job.conversation, forgotten_before)?;
        insert(db, job, exchange, answer.quotes.as_ref(), last, ttl, now)?;
        if let Some(window) = answer.window.clone() {
            past::set_window(db, &job.conversation, window)?;
        }
    }
    for (event, other, over) in merged {
        turn_row::write(db, event.as_str(), &other, &over, None, millis)?;
    }
    group::mark(db, job, &answer, millis)?;
    let Answer { mut pushes, spent, .. } = answer;
    if let Some(spent) = spent
        && !count(db, job, &spent, millis)?
    {
        pushes.clear();
    }
    let bodies = serde_json::to_string(&pushes).unwrap_or_default();
    // A turn may replace itself. Then this write must come after that of the replaced turn.
    turn_row::write(db, own, &before, &after, Some(&bodies), millis)?;
    Ok(Ok(StoreResult::Stored(progress.of(pushes))))
}

/// Inserts the rows of an exchange. Their `createdAt` comes after `last`.
fn insert(
    db: &Connection,
    job: &Job,
    exchange: &Exchange,
    quotes: Option<&MessageId>,
    mut last: Option<Timestamp>,
    ttl: Option<SignedDuration>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let Exchange { questions, answer, model, replaces } = exchange;
    let (of, own) = (job.conversation.as_str(), job.event_id.as_str());
    if let Some(old) = replaces {
        forget::turn(db, old.as_str(), &TurnStep::Replaced, now.as_millisecond())?;
        db.prepare_cached("UPDATE messages SET answered_by = ?2 WHERE answered_by = ?1")?
            .execute([old.as_str(), own])?;
    }
    let expires_at = ttl.and_then(|ttl| now.checked_add(ttl).ok()).map(Timestamp::as_second);
    forget::unanswered(db, &job.conversation)?;
    let mut insert = db.prepare_cached(
        "INSERT INTO messages (id, conversation, role, content, created_at, expires_at, event_id, message_id, answered_by, speaker, kind, said_at, model, quotes, image_set)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    let mut row = |role: Role, said: &Question, model: Option<&str>| {
        let Question { event, text, kind, speaker, message_id, said_at, image_set, .. } = said;
        let at = *last.insert(stamp(now, last));
        insert.execute(params![
            row_id(event, role).to_string(),
            of,
            role.as_str(),
            text,
            rfc3339(at),
            expires_at,
            event.as_str(),
            message_id.as_ref().map(MessageId::as_str),
            Some(own).filter(|own| *own != event.as_str()),
            speaker,
            kind.for_row(text),
            said_at,
            model,
            quotes.filter(|_| role == Role::User && *event == job.event_id).map(MessageId::as_str),
            image_set,
        ])
    };
    for said in questions {
        row(Role::User, said, None)?;
    }
    let answered = Question {
        event: job.event_id.clone(),
        text: answer.clone(),
        kind: MessageKind::Text,
        speaker: None,
        message_id: questions.last().and_then(|said| said.message_id.clone()),
        said_at: job.at(),
        image_set: None,
        asked_with: vec![],
    };
    row(Role::Assistant, &answered, Some(model))?;
    Ok(())
}

/// Counts the usage; false if the user got this refusal before.
fn count(db: &Connection, job: &Job, spent: &UsageDelta, now: i64) -> rusqlite::Result<bool> {
    let told_before = past::usage(db, job.user(), spent.period)?.told;
    let is_new = spent.told.is_none_or(|limit| !told_before.contains(&limit));
    let word = spent.told.filter(|_| is_new).map_or("", |limit| limit.as_str());
    let Tokens { prompt, cached, cache_written, completion } = spent.tokens;
    let tokens = [spent.tokens.total(), prompt, cached, cache_written, completion];
    let tokens = tokens.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let [tokens, prompt, cached, cache_written, completion] = tokens;
    db.prepare_cached(
        "INSERT INTO usage (user, period, answers, tokens, told, updated_at, prompt, cached, cache_written, completion)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET answers = answers + ?3, tokens = tokens + ?4,
             told = trim(told || ' ' || ?5), updated_at = ?6,
             prompt = prompt + ?7, cached = cached + ?8,
             cache_written = cache_written + ?9, completion = completion + ?10",
    )?
    .execute(params![
        job.user(),
        spent.period.to_string(),
        spent.answers,
        tokens,
        word,
        now,
        prompt,
        cached,
        cache_written,
        completion,
    ])?;
    if let Some(model) = &spent.fallback {
        db.prepare_cached(
            "UPDATE usage SET fallback_model = ?3, fallback_answers = fallback_answers + ?4,
                 fallback_prompt = fallback_prompt + ?5, fallback_cached = fallback_cached + ?6,
                 fallback_cache_written = fallback_cache_written + ?7,
                 fallback_completion = fallback_completion + ?8
             WHERE user = ?1 AND period = ?2",
        )?
        .execute(params![
            job.user(),
            spent.period.to_string(),
            model,
            spent.answers,
            prompt,
            cached,
            cache_written,
            completion,
        ])?;
    }
    Ok(is_new)
}
