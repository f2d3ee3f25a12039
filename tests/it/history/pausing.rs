//! The guarantees of both histories about the pause of a chat.

use worker::history::{Forget, History, Pause, PauseChange, StoreResult};

use super::{
    Job,
    forgetting::{load, question, said_after, talk},
    job, later, noticed, now, said,
};

/// Runs all tests.
pub(super) async fn suite(history: &dyn History) {
    a_pause_is_kept_and_told_by_whatever_reads_the_chat(history).await;
    no_answer_is_stored_in_a_pause_whatever_was_loaded_before(history).await;
    leaving_ends_the_pause_and_forgetting_does_not(history).await;
    a_question_without_an_answer_is_still_asked_again_after_a_pause(history).await;
}

fn begins(minutes: i64) -> PauseChange {
    let (at, until) = (later(minutes).as_millisecond(), later(minutes + 120).as_millisecond());
    PauseChange::Begins { at, until, tells_staff: true }
}

fn ends(minutes: i64) -> PauseChange {
    PauseChange::Ends { at: Some(later(minutes).as_millisecond()) }
}

async fn paused(history: &dyn History, job: &Job) -> Option<Pause> {
    let changes = history.conversation_changes(job, later(1)).await.unwrap();
    assert_eq!(load(history, job).await.changes.pause, changes.pause);
    changes.pause
}

async fn a_pause_is_kept_and_told_by_whatever_reads_the_chat(history: &dyn History) {
    let job = question("U-pause", "p-1");
    assert_eq!(paused(history, &job).await, None);
    assert_eq!(history.pause(&job.conversation, ends(1), later(1)).await.unwrap(), None);
    let millis = |minutes| later(minutes).as_millisecond();
    let mut pause = Pause { since: millis(1), until: millis(121), staff_told: Some(millis(1)) };
    for _ in 0..2 {
        assert_eq!(history.pause(&job.conversation, begins(1), later(1)).await.unwrap(), Some(pause));
        assert_eq!(paused(history, &job).await, Some(pause));
    }
    pause.until = millis(30);
    for change in [ends(30), begins(1), ends(40)] {
        assert_eq!(history.pause(&job.conversation, change, later(41)).await.unwrap(), Some(pause));
    }
    let of_another = question("U-pauses-not", "p-2");
    assert_eq!(paused(history, &of_another).await, None);
    let next = said_after(50, "U-pause", "p-8");
    history.begin(&next, later(50)).await.unwrap();
    let kept = history.store(&next, said(&next, "q", vec![]), None, later(50)).await.unwrap();
    assert!(matches!(kept, StoreResult::Stored(_)), "{kept:?}");
    assert_eq!(paused(history, &job).await, Some(pause), "an answer leaves it as it is");
}

async fn no_answer_is_stored_in_a_pause_whatever_was_loaded_before(history: &dyn History) {
    let job = said_after(1, "U-pause-store", "p-3");
    talk(history, "U-pause-store", "p-before").await;
    history.begin(&job, later(1)).await.unwrap();
    // The worker has loaded the chat, and the model answers while the chat is paused.
    let seen = load(history, &job).await;
    history.pause(&job.conversation, begins(2), later(2)).await.unwrap();
    let stores = async |answer, minutes| {
        history.store(&job, answer, seen.changes.forgotten, later(minutes)).await.unwrap()
    };
    assert_eq!(stores(said(&job, "q", vec![]), 3).await, StoreResult::Changed);
    assert_eq!(stores(said(&job, "q", vec![]), 121).await, StoreResult::Changed);
    assert_eq!(load(history, &job).await.messages.len(), 2);
    let kept = stores(said(&job, "q", vec![]), 122).await;
    assert!(matches!(kept, StoreResult::Stored(_)), "it was said before the pause: {kept:?}");
    // A message that was said in the pause gets no answer after it.
    let within = said_after(3, "U-pause-store", "p-4");
    history.begin(&within, later(123)).await.unwrap();
    let answer = said(&within, "q", vec![]);
    assert_eq!(history.store(&within, answer, None, later(123)).await.unwrap(), StoreResult::Changed);
    let kept = history.store(&within, noticed(vec!["notice".into()]), None, later(123)).await.unwrap();
    assert!(matches!(kept, StoreResult::Stored(_)), "{kept:?}");
}

async fn leaving_ends_the_pause_and_forgetting_does_not(history: &dyn History) {
    let job = talk(history, "U-pause-leaves", "p-5").await;
    history.pause(&job.conversation, begins(1), later(1)).await.unwrap();
    let until = later(2).as_millisecond();
    history.forget(&job.conversation, Forget::Messages(until), later(2)).await.unwrap();
    assert!(paused(history, &job).await.is_some());
    history.forget(&job.conversation, Forget::Everything(now().as_millisecond()), later(3)).await.unwrap();
    assert!(paused(history, &job).await.is_some(), "it left before the pause");
    history.forget(&job.conversation, Forget::Everything(until), later(3)).await.unwrap();
    assert_eq!(paused(history, &job).await, None);
}

async fn a_question_without_an_answer_is_still_asked_again_after_a_pause(history: &dyn History) {
    let job = job("U-pause-retry", "p-6");
    history.begin(&job, now()).await.unwrap();
    let exchange = said(&job, "why?", vec![]).exchange.unwrap();
    history.mark_notified(&job, exchange.questions.last(), now()).await.unwrap();
    history.pause(&job.conversation, begins(1), later(1)).await.unwrap();
    let unanswered = load(history, &job).await.unanswered;
    assert_eq!(unanswered.map(|it| it.question).as_deref(), Some("why?"));
}
