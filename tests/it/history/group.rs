//! The guarantees of both histories about groups: edits, messages of the bot's own, and speakers.

use jiff::{Timestamp, civil::date};
use shared::job::{Job, JobKind};
use worker::{
    history::{
        Answer, Edit, Exchange, Forget, History, Period, Snapshot, SnapshotScope, Stage, StoreResult, Tokens,
        UsageDelta,
    },
    rules::message_kind::MessageKind,
};

use super::{
    FIFTY,
    forgetting::{message, question},
    later, now, said,
};

/// Runs all tests.
pub(super) async fn suite(history: &dyn History) {
    what_a_message_says_now_is_known_until_it_is_answered(history).await;
    the_latest_change_is_the_one_whatever_their_order(history).await;
    a_changed_message_is_answered_by_one_turn(history).await;
    a_change_after_the_answer_replaces_the_question(history).await;
    a_change_after_the_answer_brings_nothing_back(history).await;
    a_call_that_is_taken_out_after_the_answer_is_forgotten_with_it(history).await;
    what_is_left_in_silence_can_be_answered_by_its_change(history).await;
    words_of_a_change_go_with_the_message_the_conversation_and_the_day(history).await;
    messages_of_the_bots_own_are_known_in_groups(history).await;
    who_spoke_is_kept_beside_what_was_said(history).await;
    usage_is_counted_for_who_spoke(history).await;
}

/// Begins a question whose message has the same id as its event.
async fn asked(history: &dyn History, group: &str, event: &str) -> Job {
    let job = question(group, event);
    history.begin(&job, now()).await.unwrap();
    job
}

async fn load(history: &dyn History, job: &Job, at: Timestamp) -> Snapshot {
    history.load(job, FIFTY, at).await.unwrap()
}

async fn edits(history: &dyn History, job: &Job, text: &str, at: i64) {
    let message = job.message_id().unwrap();
    history.edit(&job.conversation, message, Edit { text: text.into(), at }, now()).await.unwrap();
}

async fn says_now(history: &dyn History, job: &Job) -> Option<String> {
    load(history, job, later(1)).await.changes.edit.map(|edit| edit.text)
}

async fn store(history: &dyn History, job: &Job, edit: Option<i64>) -> StoreResult {
    let answer = Answer { edit, ..said(job, "q", vec!["push".into()]) };
    let seen = load(history, job, later(1)).await.changes.forgotten;
    history.store(job, answer, seen, now()).await.unwrap()
}

async fn what_a_message_says_now_is_known_until_it_is_answered(history: &dyn History) {
    let job = asked(history, "C-changed", "changed").await;
    edits(history, &job, "SECRET change", 5).await;
    assert_eq!(
        load(history, &job, later(1)).await.changes.edit,
        Some(Edit { text: "SECRET change".into(), at: 5 })
    );
    assert_eq!(store(history, &job, None).await, StoreResult::Changed, "it was not known");
    assert_eq!(store(history, &job, Some(4)).await, StoreResult::Changed, "it was not known");
    assert!(load(history, &job, later(1)).await.messages.is_empty());
    assert!(matches!(store(history, &job, Some(5)).await, StoreResult::Stored(_)));
    let past = load(history, &job, later(1)).await;
    assert_eq!((past.changes.edit, past.changes.answered_by), (None, Some(job.event_id.clone())));
    edits(history, &job, "too late", 9).await;
    assert_eq!(says_now(history, &job).await, None);
}

async fn the_latest_change_is_the_one_whatever_their_order(history: &dyn History) {
    let job = asked(history, "C-order", "order").await;
    for (text, at) in [("second", 2), ("first", 1), ("third", 3), ("third again", 3), ("zero", 0)] {
        edits(history, &job, text, at).await;
    }
    assert_eq!(says_now(history, &job).await.as_deref(), Some("third"));
}

async fn a_changed_message_is_answered_by_one_turn(history: &dyn History) {
    let (first, second) = (asked(history, "C-once", "once").await, question("C-once", "once-again"));
    let second = Job { kind: first.kind.clone(), ..second };
    history.begin(&second, now()).await.unwrap();
    assert!(matches!(store(history, &first, None).await, StoreResult::Stored(_)));
    assert_eq!(load(history, &second, later(1)).await.changes.answered_by, Some(first.event_id.clone()));
    assert_eq!(store(history, &second, Some(9)).await, StoreResult::Existing(Stage::Delivered));
    assert_eq!(load(history, &second, later(1)).await.messages.len(), 2);
    assert!(
        matches!(store(history, &first, None).await, StoreResult::Existing(Stage::Stored(_))),
        "its own stays"
    );
}

async fn contents(history: &dyn History, job: &Job) -> Vec<String> {
    load(history, job, later(1)).await.messages.into_iter().map(|message| message.content).collect()
}

async fn a_change_after_the_answer_replaces_the_question(history: &dyn History) {
    let job = asked(history, "C-after", "after").await;
    edits(history, &job, "before", 5).await;
    assert!(matches!(store(history, &job, Some(5)).await, StoreResult::Stored(_)));
    for (text, at, kept) in [
        ("older", 4, "q"),
        ("ninth", 9, "ninth"),
        ("ninth", 9, "ninth"),
        ("eighth", 8, "ninth"),
        ("[image]", 10, "[image]"),
        ("eleventh", 11, "eleventh"),
    ] {
        edits(history, &job, text, at).await;
        assert_eq!(contents(history, &job).await, [kept, "answer to q"], "{text}");
        let changes = load(history, &job, later(1)).await.changes;
        assert_eq!((changes.edit, changes.answered_by), (None, Some(job.event_id.clone())));
    }
    edits(history, &job, "[image]", 12).await;
    let kinds: Vec<_> = load(history, &job, later(1)).await.messages.into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [MessageKind::Text; 2], "a person typed it");
    assert!(
        matches!(store(history, &job, None).await, StoreResult::Existing(Stage::Stored(_))),
        "its own stays"
    );
}

async fn a_change_after_the_answer_brings_nothing_back(history: &dyn History) {
    let jobs = [asked(history, "C-back", "back-1").await, asked(history, "C-back", "back-2").await];
    for job in &jobs {
        assert!(matches!(store(history, job, None).await, StoreResult::Stored(_)));
    }
    let of = &jobs[0].conversation;
    history.forget(of, Forget::Message(message("back-1")), later(1)).await.unwrap();
    edits(history, &jobs[0], "after it was taken back", 9).await;
    assert_eq!(contents(history, &jobs[1]).await, ["q", "answer to q"]);
    history.forget(of, Forget::Messages(i64::MAX), later(1)).await.unwrap();
    edits(history, &jobs[1], "after it was forgotten", 9).await;
    assert!(contents(history, &jobs[1]).await.is_empty());
}

async fn a_call_that_is_taken_out_after_the_answer_is_forgotten_with_it(history: &dyn History) {
    let jobs = [asked(history, "C-out", "out-1").await, asked(history, "C-out", "out-2").await];
    for job in &jobs {
        assert!(matches!(store(history, job, None).await, StoreResult::Stored(_)));
    }
    edits(history, &jobs[0], "first", 9).await;
    edits(history, &jobs[0], "", 8).await;
    assert_eq!(contents(history, &jobs[0]).await, ["first", "answer to q", "q", "answer to q"]);
    for text in ["", "", "called again"] {
        edits(history, &jobs[0], text, 10).await;
        assert_eq!(contents(history, &jobs[0]).await, ["q", "answer to q"]);
    }
    assert_eq!(
        load(history, &jobs[0], later(1)).await.changes.answered_by,
        Some(jobs[0].event_id.clone()),
        "there is no second answer"
    );
}

async fn what_is_left_in_silence_can_be_answered_by_its_change(history: &dyn History) {
    let (first, second) = (asked(history, "C-silent", "silent").await, question("C-silent", "silent-again"));
    let second = Job { kind: first.kind.clone(), ..second };
    history.begin(&second, now()).await.unwrap();
    assert!(matches!(
        history.store(&first, Answer::default(), None, now()).await.unwrap(),
        StoreResult::Stored(_)
    ));
    assert!(matches!(store(history, &second, None).await, StoreResult::Stored(_)));
}

async fn words_of_a_change_go_with_the_message_the_conversation_and_the_day(history: &dyn History) {
    let jobs = [asked(history, "C-gone", "gone-1").await, asked(history, "C-gone", "gone-2").await];
    for job in &jobs {
        edits(history, job, "words", 1).await;
    }
    let of = &jobs[0].conversation;
    history.forget(of, Forget::Message(message("gone-1")), now()).await.unwrap();
    assert_eq!(says_now(history, &jobs[0]).await, None);
    edits(history, &jobs[0], "after it was taken back", 2).await;
    assert_eq!(says_now(history, &jobs[0]).await, None);
    assert_eq!(says_now(history, &jobs[1]).await.as_deref(), Some("words"));
    history.forget(of, Forget::Messages(i64::MAX), later(1)).await.unwrap();
    assert_eq!(says_now(history, &jobs[1]).await, None);
    edits(history, &jobs[1], "words", 2).await;
    history.forget(of, Forget::Messages(1), later(1)).await.unwrap();
    assert_eq!(says_now(history, &jobs[1]).await.as_deref(), Some("words"), "it was changed after that");
    assert_eq!(load(history, &jobs[1], later(24 * 60 - 1)).await.changes.edit.unwrap().text, "words");
    assert_eq!(load(history, &jobs[1], later(24 * 60)).await.changes.edit, None);
}

async fn messages_of_the_bots_own_are_known_in_groups(history: &dyn History) {
    let quoting = |chat: &str, quoted: &str| {
        let mut job = question(chat, &format!("quotes-{quoted}-in-{chat}"));
        if let JobKind::Question { quotes, .. } = &mut job.kind {
            *quotes = Some(message(quoted));
        }
        job
    };
    for _ in 0..2 {
        history.remember_own(&[message("own-1"), message("own-2")], now()).await.unwrap();
    }
    for (chat, quoted, is_own) in [
        ("C-own", "own-1", true),
        ("C-own", "own-2", true),
        ("C-own", "other", false),
        ("Uown", "own-1", false),
    ] {
        assert_eq!(
            load(history, &quoting(chat, quoted), now()).await.changes.quotes_own,
            is_own,
            "{chat} {quoted}"
        );
    }
    assert!(!load(history, &question("C-own", "quotes-nothing"), now()).await.changes.quotes_own);
}

async fn who_spoke_is_kept_beside_what_was_said(history: &dyn History) {
    let job = asked(history, "C-names", "names").await;
    let mut answer = said(&job, "hello", vec![]);
    let exchange: &mut Exchange = answer.exchange.as_mut().unwrap();
    exchange.questions[0].speaker = Some("Aoi".into());
    history.store(&job, answer, None, now()).await.unwrap();
    let messages = load(history, &job, later(1)).await.messages;
    let spoken: Vec<_> = messages.iter().map(|m| (m.speaker.as_deref(), m.content.as_str())).collect();
    assert_eq!(spoken, [(Some("Aoi"), "hello"), (None, "answer to hello")]);
}

async fn usage_is_counted_for_who_spoke(history: &dyn History) {
    let period = Period::Day(date(2026, 3, 1));
    let of = |chat: &str, event: &str, speaker: Option<&str>| {
        let speaker = speaker.map(|id| id.to_owned().try_into().unwrap());
        Job { speaker, ..question(chat, event) }
    };
    let job = of("C-usage", "usage", Some("Uspeaks"));
    history.begin(&job, now()).await.unwrap();
    let tokens = Tokens { prompt: 4, completion: 3, ..Tokens::default() };
    let spent = Some(UsageDelta { period, answers: 1, tokens, fallback: None, told: None });
    history.store(&job, Answer { spent, ..said(&job, "q", vec![]) }, None, now()).await.unwrap();
    let used = async |job: Job| {
        history.load(&job, SnapshotScope { limit: 0, period }, now()).await.unwrap().used.answers
    };
    assert_eq!(used(of("C-elsewhere", "usage-1", Some("Uspeaks"))).await, 1);
    assert_eq!(used(of("Uspeaks", "usage-2", None)).await, 1, "a private chat is its user's");
    assert_eq!(used(of("C-usage", "usage-3", Some("Uother"))).await, 0);
    assert_eq!(used(of("C-usage", "usage-4", None)).await, 0);
}
