//! The draft of an answer: the reply and the rows, before they are stored.

use std::mem;

use shared::{
    command::Command,
    event::log,
    job::{EventId, Job, MessageId},
};

use super::{
    ask_model::{Asked, ask_model},
    command::carry_out,
    file::{Notice, drop_earlier_file, earlier_file, fetch_file, notice_instead},
    images::{Before, fetch_images},
    media::{MediaOutcome, fetch_attachment},
    off_thread,
    prompt_input::{Plan, PromptInput},
    quote,
    render::{came_between, render},
    time_budget::Attempt,
    user,
};
use crate::{
    adapters::openai::Completion,
    clients::Clients,
    failure::Failure,
    history::{Exchange, Period, Question, Seen, Snapshot, UsageDelta, WindowStart},
    rules::{file::File, persona::Chosen, window},
    text::{answer_limit::Limited, messages::Reply},
};

/// The draft of a turn's answer.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    /// The rows that become part of the conversation.
    pub(crate) exchange: Option<Exchange>,
    /// The new start of the window, if it moves.
    pub(crate) window: Option<WindowStart>,
    /// The reply; `None` if nothing is said.
    pub(crate) reply: Option<Reply<'a>>,
    /// The usage that the answer adds.
    pub(crate) spent: Option<UsageDelta>,
    /// The state of the conversation with which the draft was made.
    pub(crate) seen: Seen,
    /// The other turns that end with it.
    pub(crate) merged: Vec<EventId>,
    /// Whether it is a notice about the question's own images.
    pub(crate) is_about_images: bool,
    /// The message that the question quotes.
    pub(crate) quotes: Option<MessageId>,
    /// The message whose unsend takes the quoted words back.
    pub(crate) quoted_from: Option<MessageId>,
    /// The words for a person whose answer before this one waits. They are sent only by the free reply.
    pub(crate) note: Option<&'static str>,
}

/// A message that the bot answers, with its loaded conversation.
pub(crate) struct DraftInput<'a> {
    /// The message's words.
    pub(crate) text: &'a str,
    /// The command, if the message is one.
    pub(crate) command: Option<Command>,
    /// The questions just before the message that are answered with it.
    pub(crate) before: Vec<Question>,
    /// The loaded conversation.
    pub(crate) past: Box<Snapshot>,
    /// The period over which the user's usage is counted.
    pub(crate) period: Period,
}

/// Composes the draft of an answer: by a command, or by the model.
pub(crate) async fn compose_draft<'a>(
    clients: &'a Clients,
    job: &'a Job,
    DraftInput { text, command, before, mut past, period }: DraftInput<'_>,
    attempt: &Attempt<'_>,
) -> Result<Box<Draft<'a>>, Failure> {
    let Clients { config, storage, line, .. } = clients;
    let deadline = attempt.model_deadline();
    let room = config.window_room();
    let loaded = past.times.len();
    past.recall(&room);
    let (seen, persona, times) = (past.changes.seen(), chosen(&past), mem::take(&mut past.times));
    let (sent_file, images) = (past.file.take(), past.images.clone());
    let newest = past.newest.as_ref().map(|turn| turn.event.clone());
    let (came_between, answer_waits) = (came_between(job, past.last, storage.now()), past.answer_waits);
    let pause = past.changes.pause;
    let is_cut = times.len() < loaded || loaded >= config.query_limit as usize;
    let staff_gap = pause.and_then(|it| it.gap(&times, seen.forgotten, is_cut));
    let says = |reply| Box::new(Draft { reply, seen, ..Draft::default() });
    let mut input = match carry_out(config, storage, line, job, text, command, *past).await? {
        Plan::Say(reply) => return Ok(says(Some(reply))),
        Plan::AskModel(input) => PromptInput { before, staff_gap, ..input },
    };
    let quoted_file = quote::look_up(storage, job, &mut input, seen.forgotten.is_some()).await?;
    let earlier_file = earlier_file(job, &input, quoted_file, sent_file);
    let before = Before { images, newest, has_file: earlier_file.is_some() };
    let mut fetched = fetch_attachment(clients, job, &mut input, attempt, deadline).await?;
    if matches!(fetched, MediaOutcome::Ready) {
        fetched = fetch_images(clients, job, &mut input, &before, attempt, deadline).await?;
    }
    if matches!(fetched, MediaOutcome::Ready) {
        fetched = fetch_file(clients, job, &mut input, earlier_file, attempt, deadline).await?;
    }
    input.room = None;
    match fetched {
        MediaOutcome::Ready => {}
        MediaOutcome::AboutImages(text) => {
            return Ok(Box::new(Draft { is_about_images: true, ..*says(Some(text.as_str().into())) }));
        }
        MediaOutcome::Instead(reply) => return Ok(says(Some(reply))),
        MediaOutcome::Reply(text) => return Ok(says(Some(text.as_str().into()))),
        MediaOutcome::Silence => return Ok(says(None)),
    }
    let mut asked = ask_model(clients, job, &input, persona.as_ref(), attempt, deadline).await?;
    // The question must get an answer even if the model does not accept what was said or sent before it.
    while matches!(asked, Asked::ImageRefused | Asked::TooLong) && leave_out(&mut input) {
        asked = ask_model(clients, job, &input, persona.as_ref(), attempt, deadline).await?;
    }
    let locale = || user::locale(line, job, config.locale);
    match asked {
        Asked::TooLong => Ok(says(Some(locale().words().too_long.into()))),
        Asked::ImageRefused if matches!(input.file, Some(File::Pdf(_))) => {
            Ok(says(Some(notice_instead(config, job, locale(), Notice::Unclear))))
        }
        Asked::ImageRefused => {
            let is_about_images = input.has_own_images;
            let reply = Some(locale().words().media_notices.image_unclear.into());
            Ok(Box::new(Draft { is_about_images, ..*says(reply) }))
        }
        Asked::Answer(answer, left_out) => {
            // In a group other people may speak in between, and the worker does not learn of it.
            let is_unclear = !job.is_private() || came_between || (attempt.limits.has_later_message)().await;
            let Completion { model, text, cut, tokens, .. } = answer;
            let is_fallback = model != config.model.name;
            let limited = off_thread::limited(text, cut, config.model.budget, input.heard.as_deref()).await;
            if limited.cut && !cut {
                log!(info, AnswerCut, event = %job.event_id, "the model wrote more than the limit: the answer is cut");
            }
            let Limited { text, words, cut } = limited;
            let reply = render(config, job, locale(), words, cut, persona.as_ref(), is_unclear);
            let reply = Reply { heard: input.heard.take(), ..reply };
            let spent = UsageDelta::of_answer(period, tokens, is_fallback.then(|| model.clone()));
            // The window is that of the first model, which may have room for more.
            let left_out = if is_fallback { 0 } else { left_out };
            let added = input.before.len() + 2;
            let window =
                window::moved(&input.past, &times, left_out, added, config.query_limit as usize, room);
            let (quotes, quoted_from) = (input.quotes.take(), input.quoted_from.take());
            let exchange = Some(input.exchange(job, text, model));
            let (reply, spent) = (Some(reply), Some(spent));
            let note = answer_waits.then(|| locale().words().answer_waits);
            Ok(Box::new(Draft {
                exchange,
                window,
                reply,
                spent,
                seen,
                quotes,
                quoted_from,
                note,
                ..Draft::default()
            }))
        }
    }
}

/// Leaves out something that the question can be asked without. Returns false if there is nothing left of it.
fn leave_out(input: &mut PromptInput) -> bool {
    input.leave_out_quoted() || drop_earlier_file(input) || input.leave_out_images()
}

/// Returns the persona that the conversation has chosen.
fn chosen(past: &Snapshot) -> Option<Chosen> {
    serde_json::from_str(past.persona.as_deref()?).ok()
}
