//! Files: one is fetched from LINE during an attempt and given to the model, with its own question and with those that
//! follow soon. Nothing of its content is ever stored.

use shared::job::Job;
use tokio::time::Instant;

use super::{
    buttons::buttons_instead,
    media::{MediaOutcome, fetch, fetch_earlier, size, without_content},
    prompt_input::PromptInput,
    time_budget::Attempt,
    user,
};
use crate::{
    adapters::line::Fetched,
    clients::Clients,
    config::Config,
    failure::Failure,
    history::{Limit, Usage},
    locale::Locale,
    rules::{
        content::Content,
        file::{BYTES_MAX, File, Pdf, SentFile, TextFile},
        file_name::{FileKind, words_of_file},
        message_kind::Attachment,
    },
    text::{decode::decode, messages::Reply},
};

/// The words that the model gets with a file, which people send without words.
const WITHOUT_WORDS: &str = "[The person sent this file without words. Say shortly what it is, and ask what they want to do with it.]";

/// Returns the earlier file that a question sees: the one that it quotes, or the newest one if that was sent shortly
/// before.
pub(crate) fn earlier_file(
    job: &Job,
    input: &PromptInput,
    quoted: Option<SentFile>,
    newest: Option<SentFile>,
) -> Option<SentFile> {
    let is_own =
        matches!(input.attachment, Some(Attachment::Image(_) | Attachment::Video(_) | Attachment::File(..)));
    let in_view = newest.filter(|file| !is_own && file.is_in_view(job.at()));
    quoted.or(in_view)
}

/// Fetches the file of a question, or the earlier file that the question sees, and puts it into the question.
pub(crate) async fn fetch_file(
    clients: &Clients,
    job: &Job,
    input: &mut PromptInput,
    earlier: Option<SentFile>,
    attempt: &Attempt<'_>,
    deadline: Instant,
) -> Result<MediaOutcome, Failure> {
    let Clients { config, line, .. } = clients;
    if let Some(Attachment::File(message, name)) = input.attachment.clone() {
        let instead = |notice| {
            let locale = user::locale(line, job, config.locale);
            Ok(MediaOutcome::Instead(notice_instead(config, job, locale, notice)))
        };
        if let Some(notice) = refused_by_name(config, job, &name) {
            return instead(notice);
        }
        let content = match fetch(config, line, &message, BYTES_MAX, None, deadline).await? {
            Fetched::Available(content) => content,
            Fetched::TooLarge => return instead(Notice::TooLarge),
            other => return without_content(clients, job, other, attempt.number, "").await,
        };
        let Some(file) = file(config, name.clone(), content) else { return instead(Notice::Unclear) };
        if let File::Text(text) = &file {
            let quota = &config.quota;
            if let Some(limit @ Limit::Length) = quota.reached(job.user(), text.text(), &Usage::default()) {
                let locale = user::locale(line, job, config.locale);
                return Ok(MediaOutcome::Reply(quota.says(limit, locale.words())));
            }
        }
        WITHOUT_WORDS.clone_into(&mut input.question);
        input.kept = words_of_file(&name);
        input.file = Some(file);
    } else if let Some(SentFile { message_id, name, .. }) = earlier.filter(|_| !input.is_about_images()) {
        let room = input.room.as_ref();
        let content = fetch_earlier(config, line, &message_id, BYTES_MAX, room, deadline).await;
        match content.and_then(|content| file(config, name.clone(), content)) {
            Some(file) => input.file = Some(file),
            None => say_unseen(input, &name),
        }
    }
    Ok(MediaOutcome::Ready)
}

/// Takes an earlier file out of a question that the model does not answer with it. Returns false if the question has
/// none: without its own file it asks nothing.
pub(crate) fn drop_earlier_file(input: &mut PromptInput) -> bool {
    if matches!(input.attachment, Some(Attachment::File(..))) {
        return false;
    }
    let Some(file) = input.file.take() else { return false };
    say_unseen(input, file.name());
    true
}

/// Tells the model that an earlier file cannot be seen.
fn say_unseen(input: &mut PromptInput, name: &str) {
    let unseen = format!("\n\n[The file \"{name}\", which the person sent before, cannot be seen any more.]");
    input.question.push_str(&unseen);
}

/// The reason why the model does not get a file.
#[derive(Clone, Copy)]
pub(crate) enum Notice {
    TooLarge,
    NoPdf,
    UnknownKind,
    Unclear,
}

/// Returns the notice about a file that is not fetched.
fn refused_by_name(config: &Config, job: &Job, name: &str) -> Option<Notice> {
    match FileKind::of(name) {
        FileKind::Image | FileKind::Other => Some(Notice::UnknownKind),
        FileKind::Pdf if !config.model.may_read_pdfs() => Some(Notice::NoPdf),
        _ if size(job).is_some_and(|size| size > BYTES_MAX as u64) => Some(Notice::TooLarge),
        FileKind::Pdf | FileKind::Text => None,
    }
}

/// Returns the reply with this notice: it says what the person can send instead.
pub(crate) fn notice_instead(config: &Config, job: &Job, locale: Locale, notice: Notice) -> Reply<'static> {
    let words = &locale.words().file_notices;
    let mut said = match notice {
        Notice::TooLarge => words.too_large.to_owned(),
        Notice::NoPdf => words.no_pdf.to_owned(),
        Notice::UnknownKind => {
            (words.unknown_kind)(if config.model.may_read_pdfs() { "PDF" } else { ".txt" })
        }
        Notice::Unclear => words.unclear.to_owned(),
    };
    if config.model.may_see() {
        said.extend(["\n", words.or_screenshot]);
    }
    Reply { buttons: buttons_instead(config, job, locale), ..said.as_str().into() }
}

/// Makes a file of this content, if the content is what the name says.
fn file(config: &Config, name: String, content: Content) -> Option<File> {
    match FileKind::of(&name) {
        FileKind::Pdf => Pdf::of(name, content).map(File::Pdf),
        FileKind::Text => {
            let text = decode(&content.bytes)?;
            Some(File::Text(TextFile::new(name, &text, content.room, config.model.budget.context_tokens)))
        }
        FileKind::Image | FileKind::Other => None,
    }
}
