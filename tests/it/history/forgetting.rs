//! The guarantees of both histories about forgetting, usage and choices.

use shared::job::MessageId;
use worker::{
    failure::Reason,
    history::{
        Answer, Delivery, Forget, ForgetMarker, History, Limit, Period, PushState, SendMethod, Snapshot,
        SnapshotScope, Stage, Step, StoreResult, Tokens, TurnRef, Usage, UsageDelta, Used, UsedFallback,
    },
};

use super::{EventId, FIFTY, Job, JobKind, MODEL, job, later, noticed, now, said, words};

/// Runs all tests.
pub(super) async fn suite(history: &dyn History) {
    what_was_said_is_forgotten_and_what_was_chosen_is_not(history).await;
    leaving_forgets_what_was_chosen_as_well(history).await;
    forgetting_reaches_what_was_said_until_then_and_nothing_newer(history).await;
    a_marker_covers_what_was_said_before_it(history).await;
    an_answer_that_was_made_of_what_is_forgotten_is_made_anew(history).await;
    an_answer_to_what_is_forgotten_and_to_newer_words_is_owed_to_those(history).await;
    a_worker_that_was_thought_dead_brings_nothing_back(history).await;
    a_mark_that_is_gone_holds_no_answer_back(history).await;
    an_answer_that_waits_for_its_push_is_forgotten(history).await;
    a_message_that_was_taken_back_goes_with_its_answer(history).await;
    a_message_is_found_however_much_was_said_since(history).await;
    what_was_taken_back_is_never_stored(history).await;
    a_turn_that_is_asked_again_takes_the_place_of_the_old_one(history).await;
    what_is_used_up_is_counted_once_and_told_once(history).await;
}

/// Asserts that the usage that the suites count is listed by model.
pub(super) fn assert_listed_by_model(all: &[Used]) {
    let tokens = Tokens { prompt: 20, cached: 15, cache_written: 3, completion: 10 };
    let of = |user: &str| all.iter().find(|used| used.user == user && used.day == "2026-03-01").unwrap();
    let fallback = UsedFallback { model: MODEL.to_owned(), answers: 1, tokens };
    let used = of("U-used");
    assert_eq!((used.answers, used.tokens, &used.fallback), (2, tokens + tokens, &Some(fallback)));
    let first = of("Uspeaks");
    assert_eq!((first.answers, &first.fallback), (1, &None));
}

pub(super) fn message(id: &str) -> MessageId {
    id.to_owned().try_into().unwrap()
}

/// Makes a question whose message has the same id as its event.
pub(super) fn question(conversation: &str, event: &str) -> Job {
    said_after(0, conversation, event)
}

/// Makes the same question, sent this number of minutes later.
pub(super) fn said_after(minutes: i64, conversation: &str, event: &str) -> Job {
    let ask = JobKind::question("q", Some(message(event)));
    Job { kind: ask, happened_at: Some(minute(minutes)), ..job(conversation, event) }
}

/// Returns the time after this number of minutes, in milliseconds.
fn minute(minutes: i64) -> i64 {
    later(minutes).as_millisecond()
}

pub(super) async fn load(history: &dyn History, job: &Job) -> Snapshot {
    history.load(job, FIFTY, later(59)).await.unwrap()
}

/// Makes the answer to a [`question`].
fn answer(job: &Job) -> Answer {
    said(job, job.event_id.as_str(), vec![])
}

/// Runs the whole turn of a question: loaded, stored and delivered.
pub(super) async fn talk(history: &dyn History, conversation: &str, event: &str) -> Job {
    answered(history, question(conversation, event)).await
}

async fn answered(history: &dyn History, job: Job) -> Job {
    history.begin(&job, now()).await.unwrap();
    let seen = load(history, &job).await.changes.forgotten;
    let kept = history.store(&job, answer(&job), seen, now()).await.unwrap();
    assert!(matches!(kept, StoreResult::Stored(_)), "{kept:?}");
    history.record(&job, Step::Delivered { own: vec![] }, now()).await.unwrap();
    job
}

pub(super) async fn stage(history: &dyn History, job: &Job) -> Stage {
    history.begin(job, later(50)).await.unwrap().stage
}

async fn what_was_said_is_forgotten_and_what_was_chosen_is_not(history: &dyn History) {
    for event in ["f-1", "f-2"] {
        talk(history, "U-forget", event).await;
    }
    let job = said_after(1, "U-forget", "f-3");
    history.choose(&job.conversation, Some("a pirate".into()), job.at()).await.unwrap();
    let before = load(history, &job).await;
    assert_eq!((before.messages.len(), before.changes.forgotten), (4, None));
    let newest =
        TurnRef { event: EventId::try_from("f-2".to_owned()).unwrap(), message_id: Some(message("f-2")) };
    assert_eq!(before.newest, Some(newest));
    let mut marks = vec![];
    // A second call deletes nothing more; only the marker advances, although the time is the same.
    for _ in 0..2 {
        history.forget(&job.conversation, Forget::Messages(minute(0)), now()).await.unwrap();
        let past = load(history, &job).await;
        assert_eq!((past.messages, past.newest, past.persona.as_deref()), (vec![], None, Some("a pirate")));
        marks.push(past.changes.forgotten.unwrap().through);
    }
    assert!(before.last.unwrap() < marks[0] && marks[0] < marks[1]);
    answered(history, job.clone()).await;
    assert_eq!(words(history, &job, 50, later(1)).await, ["f-3", "answer to f-3"]);
    assert!(load(history, &job).await.last.unwrap() > marks[1]);
    history.choose(&job.conversation, None, job.at()).await.unwrap();
    assert_eq!(load(history, &job).await.persona, None);
}

async fn leaving_forgets_what_was_chosen_as_well(history: &dyn History) {
    let job = talk(history, "U-leave", "leave-1").await;
    history.choose(&job.conversation, Some("a pirate".into()), job.at()).await.unwrap();
    history.forget(&job.conversation, Forget::Everything(minute(0)), later(1)).await.unwrap();
    let past = load(history, &job).await;
    assert_eq!((past.messages, past.persona), (vec![], None));
    // No such user exists, and there is nothing to forget.
    let nobody = said_after(1, "U-nobody", "nobody");
    history.forget(&nobody.conversation, Forget::Everything(minute(0)), later(1)).await.unwrap();
    answered(history, nobody).await;
}

async fn forgetting_reaches_what_was_said_until_then_and_nothing_newer(history: &dyn History) {
    for minutes in 1..=4 {
        answered(history, said_after(minutes, "U-newer", &format!("newer-{minutes}"))).await;
    }
    let waits = said_after(5, "U-newer", "newer-5");
    history.begin(&waits, now()).await.unwrap();
    let unpushed = Answer { pushes: vec!["push".to_owned()], ..answer(&waits) };
    history.store(&waits, unpushed, None, now()).await.unwrap();
    let next = said_after(9, "U-newer", "newer-9");
    history.choose(&next.conversation, Some("a pirate".into()), Some(minute(4))).await.unwrap();

    history.forget(&next.conversation, Forget::Everything(minute(2)), later(6)).await.unwrap();
    let rest =
        ["newer-3", "answer to newer-3", "newer-4", "answer to newer-4", "newer-5", "answer to newer-5"];
    assert_eq!(words(history, &next, 50, later(7)).await, rest);
    // Forgetting may come out of order: then it deletes only rows from before its own time.
    history.forget(&next.conversation, Forget::Messages(minute(1)), later(7)).await.unwrap();
    assert_eq!(words(history, &next, 50, later(7)).await, rest);
    let past = load(history, &next).await;
    assert_eq!(past.persona.as_deref(), Some("a pirate"), "it was chosen later");
    assert_eq!(past.changes.forgotten.unwrap().said_until, minute(2), "what was forgotten stays so");
    assert!(matches!(stage(history, &waits).await, Stage::Stored(_)), "its question is newer");

    // A later question is stored as usual, and a later call forgets the rest.
    answered(history, next.clone()).await;
    assert_eq!(words(history, &next, 2, later(8)).await, ["newer-9", "answer to newer-9"]);
    history.forget(&next.conversation, Forget::Everything(minute(5)), later(8)).await.unwrap();
    assert_eq!(words(history, &next, 50, later(9)).await, ["newer-9", "answer to newer-9"]);
    assert_eq!(load(history, &next).await.persona, None);
    assert_eq!(stage(history, &waits).await, Stage::Forgotten);
}

async fn a_marker_covers_what_was_said_before_it(history: &dyn History) {
    let of = question("U-covered", "covered").conversation;
    history.forget(&of, Forget::Messages(minute(2)), later(3)).await.unwrap();
    let redriven = Job { run: Some("covered:letter".into()), ..said_after(1, "U-covered", "covered-1") };
    let command = Job {
        kind: JobKind::question("forget", Some(message("covered-2"))),
        ..said_after(2, "U-covered", "covered-2")
    };
    for (job, is_covered) in [
        (said_after(1, "U-covered", "covered-1"), true),
        (said_after(2, "U-covered", "covered-2"), false),
        (said_after(3, "U-covered", "covered-3"), false),
        (redriven, true),
        (command, false),
        (job("U-covered", "covered-4"), false),
    ] {
        let changes = history.conversation_changes(&job, later(4)).await.unwrap();
        assert_eq!(changes.is_forgotten(&job), is_covered, "{}", job.event_id);
        assert_eq!(changes.forgotten, load(history, &job).await.changes.forgotten);
    }
}

async fn an_answer_that_was_made_of_what_is_forgotten_is_made_anew(history: &dyn History) {
    let job = said_after(3, "U-anew", "anew");
    history.begin(&job, now()).await.unwrap();
    let seen = load(history, &job).await.changes.forgotten;
    history.forget(&job.conversation, Forget::Messages(minute(2)), later(4)).await.unwrap();
    let kept = history.store(&job, answer(&job), seen, later(5)).await.unwrap();
    assert_eq!(kept, StoreResult::Changed);
    assert_eq!(load(history, &job).await.messages, []);
    answered(history, job.clone()).await;
    assert_eq!(words(history, &job, 50, later(6)).await, ["anew", "answer to anew"]);
}

async fn an_answer_to_what_is_forgotten_and_to_newer_words_is_owed_to_those(history: &dyn History) {
    let refused = |pushed, state| {
        Some(Delivery { pushes: vec!["push".into()], pushed, state, method: SendMethod::Push })
    };
    let untried = PushState::Unknown { since: now() };
    for (name, progress, over, expected, left) in [
        ("unsaid", refused(0, PushState::Refused), false, Stage::Open, vec![]),
        ("unsure", refused(0, untried), false, Stage::InDoubt, vec!["unsure-2"]),
        ("whole", None, true, Stage::Forgotten, vec!["whole-2"]),
    ] {
        let user = format!("U-owed-{name}");
        let jobs = [1, 3].map(|minutes| said_after(minutes, &user, &format!("{name}-{}", minutes / 2 + 1)));
        for job in &jobs {
            history.begin(job, now()).await.unwrap();
        }
        let both = super::together::answer(&jobs);
        assert!(matches!(history.store(&jobs[1], both, None, now()).await.unwrap(), StoreResult::Stored(_)));
        let step = if over {
            Step::Delivered { own: vec![] }
        } else {
            Step::Failed {
                by: None,
                reason: Reason::LineRejected,
                delivery: progress,
                gave_up: false,
                cost: None,
            }
        };
        history.record(&jobs[1], step, now()).await.unwrap();
        // A second call changes nothing, as after a crash.
        for _ in 0..2 {
            history.forget(&jobs[0].conversation, Forget::Messages(minute(2)), later(4)).await.unwrap();
        }
        assert_eq!(words(history, &jobs[1], 50, later(5)).await, left, "{name}");
        assert_eq!(stage(history, &jobs[1]).await, expected, "{name}");
    }
}

async fn a_worker_that_was_thought_dead_brings_nothing_back(history: &dyn History) {
    talk(history, "U-zombie", "z-1").await;
    for (event, again) in [("z-2", false), ("z-3", true)] {
        let job = question("U-zombie", event);
        history.begin(&job, now()).await.unwrap();
        let seen = load(history, &job).await.changes.forgotten;
        history.forget(&job.conversation, Forget::Messages(minute(1)), now()).await.unwrap();
        if again {
            // Another worker has loaded since: the marker that the first worker saw still decides.
            load(history, &job).await;
        }
        let kept = history.store(&job, answer(&job), seen, later(1)).await.unwrap();
        assert_eq!(kept, StoreResult::Forgotten);
        assert_eq!(load(history, &job).await.messages, []);
        history.record(&job, Step::Forgotten, later(1)).await.unwrap();
        assert_eq!(stage(history, &job).await, Stage::Forgotten);
        assert_eq!(history.mark_notified(&job, None, later(1)).await.unwrap(), None, "nobody is told");
    }
}

async fn a_mark_that_is_gone_holds_no_answer_back(history: &dyn History) {
    let job = question("U-swept", "swept-1");
    history.begin(&job, now()).await.unwrap();
    let old = Some(ForgetMarker { through: now(), said_until: minute(0) });
    assert!(matches!(
        history.store(&job, said(&job, "q", vec![]), old, now()).await.unwrap(),
        StoreResult::Stored(_)
    ));
}

async fn an_answer_that_waits_for_its_push_is_forgotten(history: &dyn History) {
    let waits = question("U-unpushed", "waits");
    history.begin(&waits, now()).await.unwrap();
    let pushes = vec!["secret words".to_owned()];
    let unpushed = Answer { pushes, ..answer(&waits) };
    history.store(&waits, unpushed, None, now()).await.unwrap();
    let failed =
        Step::Failed { by: None, reason: Reason::LineRejected, delivery: None, gave_up: true, cost: None };
    history.record(&waits, failed, now()).await.unwrap();
    history.forget(&waits.conversation, Forget::Messages(minute(0)), later(1)).await.unwrap();
    assert_eq!(stage(history, &waits).await, Stage::Forgotten);
    let redriven = Job { run: Some("waits:letter".into()), ..waits };
    assert_eq!(stage(history, &redriven).await, Stage::Forgotten);
    assert_eq!(history.mark_notified(&redriven, None, later(1)).await.unwrap(), None);
}

async fn a_message_that_was_taken_back_goes_with_its_answer(history: &dyn History) {
    for event in ["u-1", "u-2", "u-3"] {
        talk(history, "U-unsend", event).await;
    }
    let job = question("U-unsend", "u-4");
    let of = &job.conversation;
    for unsent in ["u-2", "u-2", "unknown"] {
        history.forget(of, Forget::Message(message(unsent)), now()).await.unwrap();
        assert_eq!(words(history, &job, 50, now()).await, ["u-1", "answer to u-1", "u-3", "answer to u-3"]);
    }
    assert!(load(history, &question("U-unsend", "u-2")).await.changes.unsent);
    assert!(!load(history, &job).await.changes.unsent, "another message was taken back");
    history.forget(of, Forget::Message(message("u-3")), now()).await.unwrap();
    let newest = load(history, &job).await.newest.unwrap();
    assert_eq!(newest.event.as_str(), "u-1");
    talk(history, "U-unsend", "u-4").await;
    assert_eq!(words(history, &job, 50, now()).await, ["u-1", "answer to u-1", "u-4", "answer to u-4"]);

    // An answer that is not delivered yet is not delivered any more.
    let waits = question("U-unsend", "u-5");
    history.begin(&waits, now()).await.unwrap();
    let unpushed = Answer { pushes: vec!["secret words".into()], ..answer(&waits) };
    history.store(&waits, unpushed, None, now()).await.unwrap();
    history.forget(of, Forget::Message(message("u-5")), now()).await.unwrap();
    assert_eq!(stage(history, &waits).await, Stage::Forgotten);
}

async fn a_message_is_found_however_much_was_said_since(history: &dyn History) {
    for turn in 0..23 {
        talk(history, "U-long", &format!("long-{turn}")).await;
    }
    let job = question("U-long", "long");
    history.forget(&job.conversation, Forget::Message(message("long-1")), now()).await.unwrap();
    let said = words(history, &job, 100, now()).await;
    assert!(said.len() == 44 && !said.contains(&"long-1".to_owned()), "{said:?}");
    history.forget(&job.conversation, Forget::Messages(minute(1)), now()).await.unwrap();
    assert!(words(history, &job, 100, now()).await.is_empty());
}

async fn what_was_taken_back_is_never_stored(history: &dyn History) {
    // The unsend comes while the message is answered, or before the message arrives.
    for (event, arrives_first) in [("early-1", true), ("early-2", false)] {
        let job = question("U-early", event);
        let unsend = history.forget(&job.conversation, Forget::Message(message(event)), now());
        if arrives_first {
            history.begin(&job, now()).await.unwrap();
            assert!(!load(history, &job).await.changes.unsent);
            unsend.await.unwrap();
        } else {
            unsend.await.unwrap();
            history.begin(&job, now()).await.unwrap();
            assert!(load(history, &job).await.changes.unsent);
        }
        assert_eq!(history.store(&job, answer(&job), None, now()).await.unwrap(), StoreResult::Forgotten);
        assert_eq!(stage(history, &job).await, Stage::Open, "nothing of it is stored");
        assert!(words(history, &job, 50, now()).await.is_empty());
    }
    let bystander = talk(history, "U-early", "early-3").await;
    assert_eq!(words(history, &bystander, 50, now()).await.len(), 2);
}

async fn a_turn_that_is_asked_again_takes_the_place_of_the_old_one(history: &dyn History) {
    let old = talk(history, "U-retry", "retry-1").await;
    let open = question("U-retry", "retry-2");
    history.begin(&open, now()).await.unwrap();
    for (event, replaced) in [("retry-3", &old), ("retry-4", &open)] {
        let retry = question("U-retry", event);
        history.begin(&retry, now()).await.unwrap();
        load(history, &retry).await;
        let mut again = said(&question("U-retry", "retry-1"), "again", vec![]);
        let exchange = again.exchange.as_mut().unwrap();
        exchange.replaces = Some(replaced.event_id.clone());
        exchange.questions[0].event = retry.event_id.clone();
        assert!(matches!(history.store(&retry, again, None, now()).await.unwrap(), StoreResult::Stored(_)));
        assert_eq!(stage(history, replaced).await, Stage::Forgotten);
        assert_eq!(load(history, &retry).await.newest.unwrap().event.as_str(), event);
    }
    assert_eq!(words(history, &old, 50, now()).await, ["again", "answer to again"].repeat(2));
    // The question still belongs to the message that was sent first.
    history.forget(&old.conversation, Forget::Message(message("retry-1")), now()).await.unwrap();
    assert!(words(history, &old, 50, now()).await.is_empty());
}

async fn what_is_used_up_is_counted_once_and_told_once(history: &dyn History) {
    let day = Period::Day("2026-03-01".parse().unwrap());
    let used = async |period| {
        let scope = SnapshotScope { limit: 0, period };
        history.load(&job("U-used", "used"), scope, now()).await.unwrap().used
    };
    let tokens = Tokens { prompt: 20, cached: 15, cache_written: 3, completion: 10 };
    let spends = |fallback| Some(UsageDelta { period: day, answers: 1, tokens, fallback, told: None });
    for (event, fallback) in [("used-1", None), ("used-2", Some(MODEL.to_owned()))] {
        let job = question("U-used", event);
        history.begin(&job, now()).await.unwrap();
        for _ in 0..2 {
            // The second store is another attempt's, and not counted.
            let answer = Answer { spent: spends(fallback.clone()), ..answer(&job) };
            history.store(&job, answer, None, now()).await.unwrap();
        }
    }
    assert_eq!(used(day).await, Usage { answers: 2, tokens: 60, told: vec![] });
    let tells = async |event: &str, limit| {
        let job = question("U-used", event);
        history.begin(&job, now()).await.unwrap();
        let tokens = Tokens::default();
        let spent = Some(UsageDelta { period: day, answers: 0, tokens, fallback: None, told: Some(limit) });
        let answer = Answer { spent, ..noticed(vec!["enough".into()]) };
        match history.store(&job, answer, None, now()).await.unwrap() {
            StoreResult::Stored(delivery) => delivery.pushes,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(tells("used-3", Limit::Answers).await, ["enough"]);
    assert!(tells("used-4", Limit::Answers).await.is_empty());
    assert_eq!(tells("used-5", Limit::Length).await, ["enough"]);
    assert!(tells("used-6", Limit::Length).await.is_empty());
    let used_up = used(day).await;
    assert_eq!((used_up.answers, used_up.tokens, used_up.told.len()), (2, 60, 2));
    assert!(used_up.told.contains(&Limit::Answers) && used_up.told.contains(&Limit::Length));
    for other in [Period::Day("2026-03-02".parse().unwrap()), Period::Ever] {
        assert_eq!(used(other).await, Usage::default());
    }
    // A forget does not reset the usage.
    let same = job("U-used", "used").conversation;
    history.forget(&same, Forget::Everything(minute(0)), now()).await.unwrap();
    assert_eq!(used(day).await.answers, 2);
}
