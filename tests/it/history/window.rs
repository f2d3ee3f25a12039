//! The start of the window: stored with an answer, and deleted with its conversation.

use worker::{
    clock::wall_clock,
    history::{Answer, Forget, History, StoreResult, WindowStart},
};

use super::{
    forgetting::{load, message, question},
    now, said,
};

pub(super) async fn suite(history: &dyn History) {
    a_beginning_is_stored_with_its_answer_and_never_goes_back(history).await;
    an_answer_that_is_not_stored_moves_nothing(history).await;
}

fn begins(after: &str, within: &str) -> WindowStart {
    WindowStart { after: after.to_owned(), within: within.to_owned() }
}

async fn store(history: &dyn History, event: &str, window: Option<WindowStart>) -> StoreResult {
    let job = question(&format!("U-{}", event.split('-').next().unwrap()), event);
    history.begin(&job, now()).await.unwrap();
    let seen = load(history, &job).await.changes.forgotten;
    let answer = Answer { window, ..said(&job, event, vec![]) };
    history.store(&job, answer, seen, now()).await.unwrap()
}

async fn a_beginning_is_stored_with_its_answer_and_never_goes_back(history: &dyn History) {
    let known = async || load(history, &question("U-begins", "begins-next")).await;
    store(history, "begins-1", None).await;
    store(history, "begins-2", None).await;
    let past = known().await;
    assert_eq!((past.window, past.times.len(), past.messages.len()), (None, 4, 4));
    assert!(past.times.is_sorted());
    let [_, second, _, fourth] = past.times.try_into().unwrap();

    store(history, "begins-3", Some(begins(&fourth, "small"))).await;
    assert_eq!(known().await.window, Some(begins(&fourth, "small")));
    assert_eq!(known().await.messages.len(), 6, "nothing is deleted");
    store(history, "begins-4", None).await;
    store(history, "begins-5", Some(begins(&second, "small"))).await;
    assert_eq!(known().await.window, Some(begins(&fourth, "small")));
    store(history, "begins-6", Some(begins(&second, "large"))).await;
    assert_eq!(known().await.window, Some(begins(&second, "large")), "another room has its own");

    let of = question("U-begins", "begins-next").conversation;
    history.forget(&of, Forget::Message(message("begins-1")), now()).await.unwrap();
    assert_eq!(known().await.window, Some(begins(&second, "large")));
    history.forget(&of, Forget::Messages(i64::MAX), (wall_clock())()).await.unwrap();
    assert_eq!(known().await.window, None);
}

async fn an_answer_that_is_not_stored_moves_nothing(history: &dyn History) {
    let known = async || load(history, &question("U-stays", "stays-next")).await.window;
    assert!(matches!(store(history, "stays-1", None).await, StoreResult::Stored(_)));
    assert!(matches!(
        store(history, "stays-1", Some(begins("2026", "small"))).await,
        StoreResult::Existing(_)
    ));
    assert_eq!(known().await, None);
}
