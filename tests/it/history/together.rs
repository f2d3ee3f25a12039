//! The guarantees of both histories about several questions that are answered together.

use shared::job::{EventId, Job};
use worker::{
    failure::Reason,
    history::{Answer, Delivery, Exchange, Forget, History, PushState, Question, Stage, Step, StoreResult},
    rules::message_kind::MessageKind,
};

use super::{
    MODEL,
    forgetting::{load, message, question, stage, talk},
    later, now, words,
};

/// Runs all tests.
pub(super) async fn suite(history: &dyn History) {
    several_questions_have_one_answer_and_are_over_with_it(history).await;
    a_notice_ends_all_of_them_and_is_no_part_of_the_conversation(history).await;
    nothing_is_stored_where_one_of_them_is_not_open(history).await;
    nothing_is_stored_where_one_of_them_was_taken_back(history).await;
    one_that_is_taken_back_takes_the_answer_along(history).await;
    an_answer_to_what_was_taken_back_is_not_pushed_any_more(history).await;
    an_answer_that_certainly_did_not_arrive_is_owed_to_the_others(history).await;
    asked_again_they_are_still_answered_together(history).await;
    however_much_was_said_since_one_is_found_with_the_answer(history).await;
    all_of_them_are_forgotten_with_the_conversation(history).await;
}

/// Begins this number of questions of one conversation.
async fn burst(history: &dyn History, name: &str, of: usize) -> Vec<Job> {
    let conversation = format!("U-{name}");
    let jobs: Vec<_> = (1..=of).map(|n| question(&conversation, &format!("{name}-{n}"))).collect();
    for job in &jobs {
        history.begin(job, now()).await.unwrap();
    }
    jobs
}

fn said(job: &Job) -> Question {
    let event = job.event_id.clone();
    Question {
        text: event.to_string(),
        kind: MessageKind::Text,
        message_id: job.message_id().cloned(),
        speaker: None,
        said_at: job.at(),
        image_set: None,
        asked_with: vec![],
        event,
    }
}

/// Makes the one answer to all of them.
pub(super) fn answer(jobs: &[Job]) -> Answer {
    let questions = jobs.iter().map(said).collect();
    let exchange = Exchange { questions, answer: "answer".into(), model: MODEL.into(), replaces: None };
    let merged = jobs[..jobs.len() - 1].iter().map(|job| job.event_id.clone()).collect();
    Answer { exchange: Some(exchange), merged, pushes: vec!["push".into()], ..Answer::default() }
}

/// Stores the answer in the last question's turn.
async fn keep(history: &dyn History, jobs: &[Job]) -> StoreResult {
    let last = jobs.last().unwrap();
    let seen = load(history, last).await.changes.forgotten;
    history.store(last, answer(jobs), seen, now()).await.unwrap()
}

async fn said_now(history: &dyn History, job: &Job) -> Vec<String> {
    words(history, job, 100, later(1)).await
}

async fn a_notice_ends_all_of_them_and_is_no_part_of_the_conversation(history: &dyn History) {
    let jobs = burst(history, "noticed", 3).await;
    let notice = || Answer {
        merged: jobs[..2].iter().map(|job| job.event_id.clone()).collect(),
        pushes: vec!["push".into()],
        ..Answer::default()
    };
    let stored = history.store(&jobs[2], notice(), None, now()).await.unwrap();
    assert!(matches!(stored, StoreResult::Stored(_)));
    for job in &jobs[..2] {
        assert_eq!(stage(history, job).await, Stage::Delivered);
    }
    assert!(matches!(stage(history, &jobs[2]).await, Stage::Stored(_)));
    assert!(said_now(history, &jobs[0]).await.is_empty());
    // If one of them is over already, nothing is stored.
    let jobs = burst(history, "noticed-late", 3).await;
    history.record(&jobs[0], Step::Forgotten, now()).await.unwrap();
    let notice =
        Answer { merged: vec![jobs[0].event_id.clone()], pushes: vec!["push".into()], ..Answer::default() };
    assert_eq!(history.store(&jobs[2], notice, None, now()).await.unwrap(), StoreResult::Overtaken);
    assert_eq!(stage(history, &jobs[2]).await, Stage::Open);
}

async fn several_questions_have_one_answer_and_are_over_with_it(history: &dyn History) {
    let jobs = burst(history, "burst", 3).await;
    assert!(matches!(keep(history, &jobs).await, StoreResult::Stored(_)));
    assert_eq!(said_now(history, &jobs[0]).await, ["burst-1", "burst-2", "burst-3", "answer"]);
    for job in &jobs[..2] {
        assert_eq!(stage(history, job).await, Stage::Delivered);
        assert_eq!(history.mark_notified(job, None, later(1)).await.unwrap(), None);
    }
    assert!(matches!(stage(history, &jobs[2]).await, Stage::Stored(_)));
    assert_eq!(load(history, &jobs[0]).await.newest.unwrap().event, jobs[2].event_id);
    // A second store finds the answer, as after a lost response.
    assert!(matches!(keep(history, &jobs).await, StoreResult::Existing(Stage::Stored(_))));
    history.record(&jobs[2], Step::Delivered { own: vec![] }, now()).await.unwrap();
    assert_eq!(said_now(history, &jobs[0]).await.len(), 4);
    let next = talk(history, "U-burst", "burst-4").await;
    assert_eq!(said_now(history, &next).await[3..], ["answer", "burst-4", "answer to burst-4"]);
    assert_eq!(words(history, &next, 4, later(1)).await[..2], ["burst-3", "answer"]);
}

async fn nothing_is_stored_where_one_of_them_is_not_open(history: &dyn History) {
    let jobs = burst(history, "over", 4).await;
    talk(history, "U-over", "over-1").await;
    history.record(&jobs[2], Step::Forgotten, now()).await.unwrap();
    for several in [&jobs[..2], &jobs[1..4]] {
        assert_eq!(keep(history, several).await, StoreResult::Overtaken);
    }
    assert_eq!(said_now(history, &jobs[0]).await, ["over-1", "answer to over-1"]);
    for open in [&jobs[1], &jobs[3]] {
        assert_eq!(stage(history, open).await, Stage::Open);
    }
    // A question that was answered with others is not answered alone.
    assert!(matches!(keep(history, &[jobs[1].clone(), jobs[3].clone()]).await, StoreResult::Stored(_)));
    assert_eq!(keep(history, &jobs[1..2]).await, StoreResult::Existing(Stage::Delivered));
}

async fn nothing_is_stored_where_one_of_them_was_taken_back(history: &dyn History) {
    let jobs = burst(history, "soon", 3).await;
    history.forget(&jobs[0].conversation, Forget::Message(message("soon-2")), now()).await.unwrap();
    assert_eq!(keep(history, &jobs).await, StoreResult::Forgotten);
    assert_eq!(said_now(history, &jobs[0]).await, [""; 0]);
    for job in &jobs {
        assert_eq!(stage(history, job).await, Stage::Open);
    }
}

async fn one_that_is_taken_back_takes_the_answer_along(history: &dyn History) {
    for (name, unsent, left) in [
        ("back1", 1, ["before", "answer to before", "2", "3"]),
        ("back2", 2, ["before", "answer to before", "1", "3"]),
        ("back3", 3, ["before", "answer to before", "1", "2"]),
    ] {
        let id = |word: &str| {
            if word.len() == 1 { format!("{name}-{word}") } else { word.replace("before", name) }
        };
        talk(history, &format!("U-{name}"), name).await;
        let jobs = burst(history, name, 3).await;
        keep(history, &jobs).await;
        history.record(&jobs[2], Step::Delivered { own: vec![] }, now()).await.unwrap();
        let unsend = Forget::Message(message(&format!("{name}-{unsent}")));
        for _ in 0..2 {
            history.forget(&jobs[0].conversation, unsend.clone(), now()).await.unwrap();
            assert_eq!(said_now(history, &jobs[0]).await, left.map(id));
        }
        // The newest question that is left can be asked again.
        let newest = load(history, &jobs[0]).await.newest.unwrap();
        assert_eq!(newest.event.as_str(), id(left[3]));
        assert_eq!(newest.message_id, Some(message(&id(left[3]))));
        talk(history, &format!("U-{name}"), &format!("{name}-9")).await;
        let other = Forget::Message(message(&id(left[2])));
        history.forget(&jobs[0].conversation, other, now()).await.unwrap();
        let left = ["before", "answer to before", left[3], "9"].map(id);
        let said = said_now(history, &jobs[0]).await;
        assert_eq!((&said[..4], said.len()), (&left[..], 5), "an answer of its own stays");
    }
}

async fn an_answer_to_what_was_taken_back_is_not_pushed_any_more(history: &dyn History) {
    let jobs = burst(history, "waits", 2).await;
    keep(history, &jobs).await;
    history.forget(&jobs[0].conversation, Forget::Message(message("waits-1")), now()).await.unwrap();
    // Nobody knows whether the answer arrived.
    assert_eq!(stage(history, &jobs[1]).await, Stage::InDoubt);
    // An attempt that does not know of the unsend changes nothing.
    for step in [Step::Pushing { by: None, pushed: 0 }, Step::NotReplied { by: Some(1) }] {
        assert!(history.record(&jobs[1], step, now()).await.unwrap_err().passing);
    }
    history.record(&jobs[1], Step::Forgotten, now()).await.unwrap();
    assert_eq!(stage(history, &jobs[1]).await, Stage::InDoubt);
    assert_eq!(said_now(history, &jobs[1]).await, ["waits-2"]);
    // After a delivered answer no question waits for one.
    let jobs = burst(history, "arrived", 2).await;
    keep(history, &jobs).await;
    assert_eq!(load(history, &jobs[1]).await.changes.others, 1);
    history.record(&jobs[1], Step::Delivered { own: vec![] }, now()).await.unwrap();
    history.forget(&jobs[0].conversation, Forget::Message(message("arrived-2")), now()).await.unwrap();
    assert_eq!(stage(history, &jobs[1]).await, Stage::Forgotten);
    assert_eq!(load(history, &jobs[1]).await.changes.others, 0);
    assert_eq!(said_now(history, &jobs[1]).await, ["arrived-1"]);
}

async fn an_answer_that_certainly_did_not_arrive_is_owed_to_the_others(history: &dyn History) {
    for unsent in 1..=3 {
        let name = format!("owed{unsent}");
        let id = |n: usize| format!("{name}-{n}");
        let jobs = burst(history, &name, 3).await;
        let last = &jobs[2];
        let StoreResult::Stored(delivery) = keep(history, &jobs).await else { panic!("it is not stored") };
        let delivery = Some(Delivery { state: PushState::Refused, ..delivery });
        let refused =
            Step::Failed { by: None, reason: Reason::LineRejected, delivery, gave_up: false, cost: None };
        history.record(last, refused, now()).await.unwrap();
        for _ in 0..2 {
            let unsend = Forget::Message(message(&id(unsent)));
            history.forget(&last.conversation, unsend, now()).await.unwrap();
            assert_eq!(stage(history, last).await, Stage::Open);
        }
        let waits: Vec<_> = (1..=2).filter(|n| *n != unsent).map(id).collect();
        assert_eq!(said_now(history, last).await, waits);
        let past = load(history, last).await;
        assert_eq!(
            (past.changes.unsent, past.changes.others),
            (unsent == 3, u32::try_from(waits.len()).unwrap())
        );
        let again = Answer { others: past.changes.others, ..answer(&jobs[2..]) };
        if unsent == 3 {
            assert_eq!(history.store(last, again, None, later(2)).await.unwrap(), StoreResult::Forgotten);
            assert!(
                history.mark_notified(last, None, later(2)).await.unwrap().is_some(),
                "the others are told"
            );
            continue;
        }
        // An answer for more questions than are left is refused.
        let more = Answer { others: past.changes.others + 1, ..again.clone() };
        assert_eq!(history.store(last, more, None, later(2)).await.unwrap(), StoreResult::Changed);
        assert!(matches!(history.store(last, again, None, later(2)).await.unwrap(), StoreResult::Stored(_)));
        let all: Vec<_> = (1..=3).filter(|n| *n != unsent).map(id).chain(["answer".into()]).collect();
        assert_eq!(said_now(history, last).await, all);
        // An unsend of another question still deletes the answer.
        let other = if unsent == 1 { 2 } else { 1 };
        history.record(last, Step::Delivered { own: vec![] }, now()).await.unwrap();
        history.forget(&last.conversation, Forget::Message(message(&id(other))), now()).await.unwrap();
        let left: Vec<_> = (1..=3).filter(|n| ![unsent, other].contains(n)).map(id).collect();
        assert_eq!(said_now(history, last).await, left);
    }
}

async fn asked_again_they_are_still_answered_together(history: &dyn History) {
    let jobs = burst(history, "again", 3).await;
    keep(history, &jobs).await;
    let mut last: EventId = jobs[2].event_id.clone();
    for retry in ["again-4", "again-5"] {
        let retry = question("U-again", retry);
        history.begin(&retry, now()).await.unwrap();
        load(history, &retry).await;
        let mut again = answer(&jobs[2..]);
        let exchange = again.exchange.as_mut().unwrap();
        exchange.replaces = Some(std::mem::replace(&mut last, retry.event_id.clone()));
        exchange.questions[0].event = retry.event_id.clone();
        assert!(matches!(history.store(&retry, again, None, now()).await.unwrap(), StoreResult::Stored(_)));
        assert_eq!(said_now(history, &retry).await, ["again-1", "again-2", "again-3", "answer"]);
    }
    history.forget(&jobs[0].conversation, Forget::Message(message("again-1")), now()).await.unwrap();
    assert_eq!(said_now(history, &jobs[0]).await, ["again-2", "again-3"]);
}

async fn however_much_was_said_since_one_is_found_with_the_answer(history: &dyn History) {
    let jobs = burst(history, "old", 3).await;
    keep(history, &jobs).await;
    for turn in 0..23 {
        talk(history, "U-old", &format!("old-since-{turn}")).await;
    }
    history.forget(&jobs[0].conversation, Forget::Message(message("old-1")), now()).await.unwrap();
    let said = said_now(history, &jobs[0]).await;
    assert_eq!((said.len(), &said[..2]), (48, &["old-2".to_owned(), "old-3".to_owned()][..]));
}

async fn all_of_them_are_forgotten_with_the_conversation(history: &dyn History) {
    let jobs = burst(history, "all", 10).await;
    assert!(matches!(keep(history, &jobs).await, StoreResult::Stored(_)), "ten fit into one transaction");
    history.forget(&jobs[0].conversation, Forget::Messages(i64::MAX), now()).await.unwrap();
    assert_eq!(said_now(history, &jobs[0]).await, [""; 0]);
    assert_eq!(stage(history, &jobs[9]).await, Stage::Forgotten);
}
