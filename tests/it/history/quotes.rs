//! The guarantees of both histories about messages that questions quote.

use shared::job::{Job, JobKind, MessageId};
use worker::{
    history::{Answer, Forget, History, QUOTABLE_ROWS, Quote, Quoted, Step, StoreResult},
    rules::{conversation::Role, message_kind::MessageKind},
};

use super::{
    forgetting::{load, message, question, said_after},
    later, noticed, now, said,
};

/// Runs all tests.
pub(super) async fn suite(history: &dyn History, brief: &dyn History) {
    words_are_found_by_the_message_of_a_question_and_by_each_message_of_its_answer(history).await;
    words_are_found_among_many_and_not_for_ever(history).await;
    words_that_were_taken_back_forgotten_or_replaced_are_not_found(history).await;
    words_expire_with_their_rows(brief).await;
    a_question_keeps_which_message_it_quotes(history).await;
    an_answer_made_of_quoted_words_that_were_taken_back_is_made_anew(history).await;
}

/// Runs the whole turn of a question, whose answer is sent as messages with these ids.
async fn talk(history: &dyn History, job: &Job, answer: Answer, own: &[&str]) {
    history.begin(job, now()).await.unwrap();
    let seen = load(history, job).await.changes.forgotten;
    let stored = history.store(job, answer, seen, now()).await.unwrap();
    assert!(matches!(stored, StoreResult::Stored(_)), "{stored:?}");
    let own = own.iter().map(|id| message(id)).collect();
    history.record(job, Step::Delivered { own }, now()).await.unwrap();
}

async fn asks(history: &dyn History, chat: &str, event: &str, own: &[&str]) -> Job {
    let job = question(chat, event);
    talk(history, &job, said(&job, event, vec![]), own).await;
    job
}

/// Returns the words of a message, with the place and the number of the messages of its answer.
async fn quoted(history: &dyn History, job: &Job, id: &str) -> Option<(String, usize, usize)> {
    let found = history.quoted(&job.conversation, &Quote::Of(message(id)), later(1)).await.unwrap().unwrap();
    assert_eq!(found.message_id, message(id));
    found.words.map(|words| (words.message.content, words.place, words.of))
}

fn quoting(conversation: &str, event: &str, quoted: &str) -> Job {
    let mut job = question(conversation, event);
    if let JobKind::Question { quotes, .. } = &mut job.kind {
        *quotes = Some(message(quoted));
    }
    job
}

async fn words_are_found_by_the_message_of_a_question_and_by_each_message_of_its_answer(
    history: &dyn History,
) {
    for chat in ["U-quote", "C-quote"] {
        let first = asks(history, chat, &format!("{chat}-1"), &[&format!("{chat}-a")]).await;
        asks(history, chat, &format!("{chat}-2"), &[&format!("{chat}-b"), &format!("{chat}-c")]).await;
        // A second record without ids, as of an attempt that finds the answer delivered, removes none.
        history.record(&first, Step::Delivered { own: vec![] }, now()).await.unwrap();
        for (id, words, place, of) in [
            ("1", "1", 0, 1),
            ("2", "2", 0, 1),
            ("a", "answer to 1", 0, 1),
            ("b", "answer to 2", 0, 2),
            ("c", "answer to 2", 1, 2),
        ] {
            let (before, last) = words.split_at(words.len() - 1);
            let expected = (format!("{before}{chat}-{last}"), place, of);
            assert_eq!(quoted(history, &first, &format!("{chat}-{id}")).await, Some(expected), "{id}");
        }
        for unknown in ["", "-", "-1-"] {
            assert_eq!(quoted(history, &first, &format!("{chat}{unknown}")).await, None, "{unknown}");
        }
        let elsewhere = question("U-quote-elsewhere", "quote-elsewhere");
        for id in ["1", "a"] {
            assert_eq!(quoted(history, &elsewhere, &format!("{chat}-{id}")).await, None);
        }
        let found = |id: &str| Quote::Of(message(&format!("{chat}-{id}")));
        for (id, role) in [("1", Role::User), ("a", Role::Assistant)] {
            let found = history.quoted(&first.conversation, &found(id), now()).await.unwrap().unwrap();
            let words = found.words.unwrap();
            assert_eq!((words.message.role, words.message.kind), (role, MessageKind::Text));
            assert_eq!(words.said_in, first.message_id().cloned(), "an unsend of it takes the words back");
        }
    }
    // A notice is not part of the conversation.
    let notice = question("U-quote", "quote-notice");
    talk(history, &notice, noticed(vec!["push".into()]), &["quote-notice-a"]).await;
    assert_eq!(quoted(history, &notice, "quote-notice-a").await, None);
}

async fn words_are_found_among_many_and_not_for_ever(history: &dyn History) {
    let first = asks(history, "U-reach", "reach-0", &["reach-own-0"]).await;
    let turns = QUOTABLE_ROWS / 2;
    for n in 1..turns {
        asks(history, "U-reach", &format!("reach-{n}"), &[&format!("reach-own-{n}")]).await;
        if n == 30 {
            assert_eq!(quoted(history, &first, "reach-0").await.unwrap().0, "reach-0");
        }
    }
    assert_eq!(quoted(history, &first, "reach-own-0").await.unwrap().0, "answer to reach-0");
    asks(history, "U-reach", "reach-last", &["reach-own-last"]).await;
    for (id, is_known) in
        [("reach-0", false), ("reach-own-0", false), ("reach-1", true), ("reach-own-1", true)]
    {
        assert_eq!(quoted(history, &first, id).await.is_some(), is_known, "{id}");
    }
}

async fn words_that_were_taken_back_forgotten_or_replaced_are_not_found(history: &dyn History) {
    let job = asks(history, "U-quote-gone", "quote-gone-1", &["quote-gone-a"]).await;
    asks(history, "U-quote-gone", "quote-gone-2", &["quote-gone-b"]).await;
    let of = &job.conversation;
    history.forget(of, Forget::Message(message("quote-gone-1")), now()).await.unwrap();
    for (id, is_known) in [("1", false), ("a", false), ("2", true), ("b", true)] {
        assert_eq!(quoted(history, &job, &format!("quote-gone-{id}")).await.is_some(), is_known, "{id}");
    }
    let again = question("U-quote-gone", "quote-gone-3");
    let mut answer = said(&again, "quote-gone-2", vec![]);
    let exchange = answer.exchange.as_mut().unwrap();
    exchange.replaces = Some("quote-gone-2".to_owned().try_into().unwrap());
    exchange.questions[0].message_id = Some(message("quote-gone-2"));
    talk(history, &again, answer, &["quote-gone-c"]).await;
    for (id, is_known) in [("2", true), ("b", false), ("c", true)] {
        assert_eq!(quoted(history, &job, &format!("quote-gone-{id}")).await.is_some(), is_known, "{id}");
    }
    history.forget(of, Forget::Messages(i64::MAX), later(1)).await.unwrap();
    for id in ["2", "c"] {
        assert_eq!(quoted(history, &job, &format!("quote-gone-{id}")).await, None, "{id}");
    }
}

async fn words_expire_with_their_rows(brief: &dyn History) {
    let job = asks(brief, "U-quote-brief", "quote-brief", &["quote-brief-a"]).await;
    for (minutes, is_known) in [(59, true), (60, false)] {
        for id in ["quote-brief", "quote-brief-a"] {
            let quote = Quote::Of(message(id));
            let found = brief.quoted(&job.conversation, &quote, later(minutes)).await.unwrap().unwrap();
            assert_eq!(found.words.is_some(), is_known, "{id} after {minutes} minutes");
        }
    }
}

async fn a_question_keeps_which_message_it_quotes(history: &dyn History) {
    let chat = "U-quoting";
    let first = asks(history, chat, "quoting-1", &["quoting-a"]).await;
    let second = quoting(chat, "quoting-2", "quoting-a");
    let answer = Answer { quotes: Some(message("quoting-a")), ..said(&second, "quoting-2", vec![]) };
    talk(history, &second, answer, &[]).await;
    let quoted_in = async |job: &Job| {
        let quote = Quote::In(job.event_id.clone());
        history.quoted(&job.conversation, &quote, later(1)).await.unwrap()
    };
    let known = |found: Option<Quoted>| {
        found.map(|found| (found.message_id, found.words.map(|words| words.message.content)))
    };
    let expected = Some((message("quoting-a"), Some("answer to quoting-1".to_owned())));
    assert_eq!(known(quoted_in(&second).await), expected);
    assert_eq!(quoted_in(&first).await, None, "it quotes nothing");
    // A question without an answer keeps it, too, and can be quoted itself.
    let third = quoting(chat, "quoting-3", "quoting-1");
    history.begin(&third, later(1)).await.unwrap();
    let kept = said(&third, "nobody answered", vec![]).exchange.unwrap().questions.pop().unwrap();
    history.mark_notified(&third, Some(&kept), later(1)).await.unwrap().unwrap();
    let expected = Some((message("quoting-1"), Some("quoting-1".to_owned())));
    assert_eq!(known(quoted_in(&third).await), expected);
    assert_eq!(quoted(history, &third, "quoting-3").await, Some(("nobody answered".to_owned(), 0, 1)));
    history.forget(&first.conversation, Forget::Message(message("quoting-1")), later(1)).await.unwrap();
    assert_eq!(known(quoted_in(&third).await), Some((message("quoting-1"), None)));
}

async fn an_answer_made_of_quoted_words_that_were_taken_back_is_made_anew(history: &dyn History) {
    let chat = "U-quoted-back";
    let first = asks(history, chat, "quoted-back-1", &[]).await;
    let second = said_after(1, chat, "quoted-back-2");
    history.begin(&second, now()).await.unwrap();
    let store = async |quoted_from: Option<MessageId>| {
        let answer = Answer { quoted_from, ..said(&second, "quoted-back-2", vec![]) };
        let seen = load(history, &second).await.changes.forgotten;
        history.store(&second, answer, seen, now()).await.unwrap()
    };
    history.forget(&first.conversation, Forget::Message(message("quoted-back-1")), now()).await.unwrap();
    assert_eq!(store(first.message_id().cloned()).await, StoreResult::Changed);
    assert!(matches!(store(None).await, StoreResult::Stored(_)));
    let third = said_after(2, chat, "quoted-back-3");
    let answer =
        Answer { quoted_from: second.message_id().cloned(), ..said(&third, "quoted-back-3", vec![]) };
    talk(history, &third, answer, &[]).await;
}
