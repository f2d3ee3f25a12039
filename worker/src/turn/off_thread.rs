//! Runs CPU-bound work on a blocking thread. The Lambda function has one thread for everything else, including the
//! heartbeats of leases, and the first exact count of tokens takes half a second.

use std::panic::resume_unwind;

use tokio::task::spawn_blocking;

use crate::{
    rules::conversation::Message,
    rules::file::File,
    rules::file_name::words_of_file,
    rules::prompt::{Budget, Prompt, TooLong},
    rules::tokens::count,
    text::answer_limit::{self, Limited},
};

/// Makes the prompt ([`Prompt::fit`]).
pub(crate) async fn fit(
    system: &str,
    past: &[Message],
    questions: &[&str],
    budget: Budget,
) -> Result<Prompt, TooLong> {
    if Prompt::fits_uncounted(system, past, questions, budget) {
        return Prompt::fit(system, past.to_vec(), questions, budget);
    }
    let (system, past) = (system.to_owned(), past.to_vec());
    let questions: Vec<String> = questions.iter().map(|&question| question.to_owned()).collect();
    run(move || {
        let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
        Prompt::fit(&system, past, &questions, budget)
    })
    .await
}

/// Returns the words that a file adds before those of the question: a text, cut to the room beside the instruction and
/// the questions, or the name of a PDF.
pub(crate) async fn block(file: &File, system: &str, questions: &[&str], budget: Budget) -> String {
    let text = match file {
        File::Pdf(pdf) => return words_of_file(&pdf.name) + "\n\n",
        File::Text(text) => text.excerpt(),
    };
    let beside: usize = questions.iter().map(|text| text.len()).sum::<usize>() + system.len();
    let room = budget.context_tokens.saturating_sub(budget.max_tokens);
    // A token has at least one byte.
    if text.is_uncounted(room.saturating_sub(beside)) {
        return text.block(budget.encoding, room.saturating_sub(beside));
    }
    let beside = [questions, &[system]].concat().join("\n");
    run(move || text.block(budget.encoding, room.saturating_sub(count(budget.encoding, &beside)))).await
}

/// Cuts an answer that is too long ([`answer_limit::limited`]).
pub(crate) async fn limited(text: String, cut: bool, budget: Budget, heard: Option<&str>) -> Limited {
    if answer_limit::is_uncounted(&text, budget) {
        return answer_limit::limited(text, cut, budget, heard);
    }
    let heard = heard.map(str::to_owned);
    run(move || answer_limit::limited(text, cut, budget, heard.as_deref())).await
}

/// Runs the work on a blocking thread. If the work panics, this panics, too.
async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::models::Encoding;

    #[tokio::test]
    async fn tokens_are_counted_on_another_thread_and_nothing_waits_without_need() {
        let this = std::thread::current().id();
        assert_ne!(run(|| std::thread::current().id()).await, this);
        // This test has one thread, as a function: a task runs only where the attempt waits.
        let words = "word ".repeat(300);
        let budget = Budget { context_tokens: 100_000, max_tokens: 1_000, encoding: Encoding::O200k };
        let heartbeat = tokio::spawn(async {});
        assert!(fit(&words, &[], &["why?"], budget).await.is_ok());
        assert!(!limited(words, false, budget, None).await.cut);
        assert!(!heartbeat.is_finished());
    }

    #[tokio::test]
    async fn what_is_counted_elsewhere_is_the_same_as_here() {
        let words = "word ".repeat(300);
        for context_tokens in [100_000, 1_000, 200] {
            let budget = Budget { context_tokens, max_tokens: 50, encoding: Encoding::O200k };
            let here = Prompt::fit(&words, vec![], &["why?"], budget).map(|prompt| prompt.messages().len());
            let elsewhere = fit(&words, &[], &["why?"], budget).await.map(|prompt| prompt.messages().len());
            assert_eq!(here.map_err(|e| e.tokens), elsewhere.map_err(|e| e.tokens), "{context_tokens}");
            let text = "One two three four. ".repeat(20);
            let cut = limited(text.clone(), false, budget, None).await;
            assert_eq!(cut.text, answer_limit::limited(text, false, budget, None).text);
        }
    }
}
