#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(minutes)
}

fn stored(pushed: u32, state: PushState, method: SendMethod) -> Stage<PushProgress> {
    Stage::Stored(PushProgress { pushed, state, method })
}

/// Returns every stage. A stored answer is certainly unsaid, of unknown outcome, said in part, sent by reply, sent by
/// reply and never pushed, or the same and certainly unsaid.
fn stages() -> [Stage<PushProgress>; 10] {
    let unknown = PushState::Unknown { since: at(1) };
    [
        Stage::Open,
        stored(0, PushState::Refused, SendMethod::Push),
        stored(0, unknown, SendMethod::Push),
        stored(1, PushState::Refused, SendMethod::Push),
        stored(0, unknown, SendMethod::ReplyToken),
        stored(0, unknown, SendMethod::ReplyOnly),
        stored(0, PushState::Refused, SendMethod::ReplyOnly),
        Stage::Delivered,
        Stage::Forgotten,
        Stage::InDoubt,
    ]
}

/// The attempts of every turn in these tests.
const ATTEMPTS: u32 = 2;
/// The newest attempt of every turn in these tests, and the one before.
const NEWEST: Option<u32> = Some(3);
const OLDER: Option<u32> = Some(2);

fn failed(progress: Option<PushProgress>, gave_up: bool) -> TurnStep<'static> {
    TurnStep::Failed { by: None, reason: Reason::LineRejected, progress, gave_up, cost: None }
}

/// Returns every step with its name. A new step must be added here and to the table below.
fn steps() -> Vec<(&'static str, TurnStep<'static>)> {
    let now = at(9);
    let said = PushProgress { pushed: 1, state: PushState::Refused, method: SendMethod::Push };
    let (reason, progress) = (Reason::LineRejected, Some(said));
    let late = TurnStep::Failed { by: OLDER, reason, progress, gave_up: true, cost: None };
    vec![
        ("redriven", TurnStep::Redriven { run: Some("run") }),
        ("begun", TurnStep::Begun),
        ("stored", TurnStep::Stored { by: NEWEST, method: SendMethod::ReplyToken, now }),
        ("stored, late", TurnStep::Stored { by: OLDER, method: SendMethod::ReplyToken, now }),
        ("merged", TurnStep::Merged),
        ("pushing", TurnStep::Pushing { by: NEWEST, pushed: 1, now }),
        ("pushing, late", TurnStep::Pushing { by: OLDER, pushed: 1, now }),
        ("not replied", TurnStep::NotReplied { by: NEWEST, now }),
        ("not replied, late", TurnStep::NotReplied { by: OLDER, now }),
        ("replying", TurnStep::Replying { by: NEWEST, now }),
        ("replying, late", TurnStep::Replying { by: OLDER, now }),
        ("quota refused", TurnStep::QuotaRefused { now }),
        ("delivered", TurnStep::Delivered),
        ("failed", failed(None, false)),
        ("failed, said", failed(Some(said), true)),
        ("failed, late", late),
        ("withdrawn", TurnStep::Withdrawn { cost: None }),
        ("forgotten", TurnStep::Forgotten),
        ("unsent", TurnStep::Unsent),
        ("answer unsent", TurnStep::AnswerUnsent { is_owed: false }),
        ("answer unsent, owed", TurnStep::AnswerUnsent { is_owed: true }),
        ("edited", TurnStep::Edited),
        ("conversation forgotten", TurnStep::ConversationForgotten),
        ("replaced", TurnStep::Replaced),
        ("notified", TurnStep::Notified { now }),
        ("resend risked", TurnStep::ResendRisked { now }),
    ]
}

/// The stage after each step. `=` is the same stage; a word in capitals is a conflict; `reply` and `push` are a stored
/// answer whose next push is about to be tried by that method, with the number of accepted pushes.
#[rustfmt::skip]
const TABLE: [(&str, [&str; 10]); 26] = [
    // step                     open           unsaid           unknown       in part       by reply               reply only          unsaid, only        delivered      forgotten      in doubt
    ("redriven",                ["=",           "=",             "=",          "=",          "=",                   "=",                "=",                "=",           "=",           "="]),
    ("begun",                   ["=",           "=",             "=",          "=",          "=",                   "=",                "=",                "OVER",        "OVER",        "OVER"]),
    ("stored",                  ["reply 0",     "EXISTING",      "EXISTING",   "EXISTING",   "EXISTING",            "EXISTING",         "EXISTING",         "EXISTING",    "EXISTING",    "EXISTING"]),
    ("stored, late",            ["OVERTAKEN"; 10]),
    ("merged",                  ["delivered",   "EXISTING",      "EXISTING",   "EXISTING",   "EXISTING",            "EXISTING",         "EXISTING",         "EXISTING",    "EXISTING",    "EXISTING"]),
    ("pushing",                 ["NOT STORED",  "push 1",        "push 1",     "push 1",     "push 1",              "REPLY ONLY",       "REPLY ONLY",       "NOT STORED",  "NOT STORED",  "NOT STORED"]),
    ("pushing, late",           ["OVERTAKEN"; 10]),
    ("not replied",             ["NOT STORED",  "push 0",        "push 0",     "push 1",     "push 0",              "REPLY ONLY",       "REPLY ONLY",       "NOT STORED",  "NOT STORED",  "NOT STORED"]),
    ("not replied, late",       ["OVERTAKEN"; 10]),
    ("replying",                ["NOT STORED",  "reply only 0",  "SENT?",      "SENT?",      "SENT?",               "reply only 0",     "reply only 0",     "NOT STORED",  "NOT STORED",  "NOT STORED"]),
    ("replying, late",          ["OVERTAKEN"; 10]),
    ("quota refused",           ["=",           "=",             "=",          "=",          "=",                   "=",                "=",                "=",           "=",           "="]),
    ("delivered",               ["delivered",   "delivered",     "delivered",  "delivered",  "delivered",           "delivered",        "delivered",        "=",           "delivered",   "delivered"]),
    ("failed",                  ["=",           "=",             "=",          "=",          "=",                   "=",                "=",                "=",           "=",           "="]),
    ("failed, said",            ["=",           "refused 1",     "refused 1",  "=",          "refused 1 by reply",  "refused 1, only",  "refused 1, only",  "=",           "=",           "="]),
    ("failed, late",            ["OVERTAKEN"; 10]),
    ("withdrawn",               ["=",           "=",             "=",          "=",          "=",                   "=",                "=",                "=",           "=",           "="]),
    ("forgotten",               ["forgotten",   "forgotten",     "forgotten",  "forgotten",  "forgotten",           "forgotten",        "forgotten",        "forgotten",   "=",           "="]),
    ("unsent",                  ["forgotten",   "forgotten",     "forgotten",  "forgotten",  "forgotten",           "forgotten",        "forgotten",        "forgotten",   "=",           "forgotten"]),
    ("answer unsent",           ["=",           "forgotten",     "forgotten",  "forgotten",  "forgotten",           "forgotten",        "forgotten",        "forgotten",   "=",           "forgotten"]),
    ("answer unsent, owed",     ["=",           "open",          "in doubt",   "in doubt",   "in doubt",            "in doubt",         "open",             "forgotten",   "=",           "forgotten"]),
    ("edited",                  ["=",           "=",             "=",          "=",          "=",                   "=",                "=",                "=",           "=",           "="]),
    ("conversation forgotten",  ["=",           "forgotten",     "forgotten",  "forgotten",  "forgotten",           "forgotten",        "forgotten",        "=",           "=",           "="]),
    ("replaced",                ["forgotten",   "forgotten",     "forgotten",  "forgotten",  "forgotten",           "forgotten",        "forgotten",        "forgotten",   "=",           "forgotten"]),
    ("notified",                ["=",           "=",             "ARRIVED?",   "ARRIVED?",   "ARRIVED?",            "ARRIVED?",         "=",                "ARRIVED?",    "ARRIVED?",    "ARRIVED?"]),
    ("resend risked",           ["NOT STORED",  "unknown 0",     "unknown 0",  "unknown 1",  "unknown 0",           "unknown 0",        "unknown 0",        "NOT STORED",  "NOT STORED",  "NOT STORED"]),
];

fn shown(before: Stage<PushProgress>, after: &Result<TurnState, Conflict>) -> String {
    let stage = match *after {
        Err(Conflict::Over) => return "OVER".to_owned(),
        Err(Conflict::Existing(existing)) => {
            assert_eq!(existing, before);
            return "EXISTING".to_owned();
        }
        Err(Conflict::NotStored) => return "NOT STORED".to_owned(),
        Err(Conflict::Overtaken) => return "OVERTAKEN".to_owned(),
        Err(Conflict::ReplyOnly) => return "REPLY ONLY".to_owned(),
        Err(Conflict::MayHaveBeenSent) => return "SENT?".to_owned(),
        Err(Conflict::NotBegun) => return "NOT BEGUN".to_owned(),
        Err(Conflict::MayHaveArrived) => return "ARRIVED?".to_owned(),
        Ok(TurnState { stage, .. }) if stage == before => return "=".to_owned(),
        Ok(TurnState { stage, .. }) => stage,
    };
    match stage {
        Stage::Open => "open".to_owned(),
        Stage::Delivered => "delivered".to_owned(),
        Stage::Forgotten => "forgotten".to_owned(),
        Stage::InDoubt => "in doubt".to_owned(),
        Stage::Stored(PushProgress { pushed, state, method }) => match (state, method) {
            (PushState::Untried { since }, method) if since == at(9) => {
                let method = match method {
                    SendMethod::Push => "push",
                    SendMethod::ReplyToken => "reply",
                    SendMethod::ReplyOnly => "reply only",
                };
                format!("{method} {pushed}")
            }
            (PushState::Unknown { since }, SendMethod::Push) if since == at(9) => format!("unknown {pushed}"),
            (PushState::Refused, SendMethod::Push) => format!("refused {pushed}"),
            (PushState::Refused, SendMethod::ReplyToken) => format!("refused {pushed} by reply"),
            (PushState::Refused, SendMethod::ReplyOnly) => format!("refused {pushed}, only"),
            (PushState::Untried { .. } | PushState::Unknown { .. }, _) => "another".to_owned(),
        },
    }
}

fn turn(stage: Stage<PushProgress>) -> TurnState {
    let (attempts, begun) = (ATTEMPTS, ATTEMPTS + 1);
    TurnState { stage, attempts, begun, last: LastAttempt::Crashed, ..TurnState::default() }
}

#[test]
fn each_step_makes_of_each_stage_what_the_table_says() {
    let names: Vec<_> = steps().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, TABLE.map(|(name, _)| name));
    for ((name, step), (_, expected)) in steps().iter().zip(TABLE) {
        let after = stages().map(|stage| shown(stage, &apply(&turn(stage), step)));
        assert_eq!(after, expected, "{name}");
    }
}

/// Returns the state after these steps, none of which is in conflict.
fn after(steps: &[TurnStep<'_>]) -> TurnState {
    steps.iter().fold(TurnState::default(), |state, step| apply(&state, step).unwrap())
}

const BEGUN: TurnStep<'_> = TurnStep::Begun;
const WITHDRAWN: TurnStep<'_> = TurnStep::Withdrawn { cost: None };

#[test]
fn an_attempt_is_told_how_the_one_before_it_ended() {
    let last = |steps: &[TurnStep<'_>]| after(steps).last;
    assert_eq!(last(&[]), LastAttempt::None);
    assert_eq!(last(&[BEGUN]), LastAttempt::Crashed, "until it records its end");
    assert_eq!(last(&[BEGUN, WITHDRAWN]), LastAttempt::None);
    assert_eq!(last(&[BEGUN, BEGUN, WITHDRAWN]), LastAttempt::Crashed);
    let reason = Reason::LineRejected;
    assert_eq!(last(&[BEGUN, failed(None, false)]), LastAttempt::Failed(reason));
    assert_eq!(last(&[BEGUN, failed(None, false), WITHDRAWN]), LastAttempt::Failed(reason));
    assert_eq!(last(&[BEGUN, failed(None, false), BEGUN]), LastAttempt::Crashed);
    assert_eq!(last(&[BEGUN, failed(None, false), TurnStep::Delivered]), LastAttempt::Crashed);
    assert_eq!(last(&[BEGUN, failed(None, true), BEGUN, failed(None, false)]), LastAttempt::GaveUp(reason));
}

#[test]
fn another_run_counts_anew_and_keeps_what_is_the_events() {
    let cost = RunCost { waited: Duration::from_secs(1), paid_calls: 1 };
    let failed = TurnStep::Failed {
        by: None,
        reason: Reason::ModelGone,
        progress: None,
        gave_up: true,
        cost: Some(cost),
    };
    let (now, later) = (at(1), at(2));
    let given_up = after(&[
        TurnStep::Begun,
        TurnStep::QuotaRefused { now },
        failed,
        TurnStep::Notified { now },
        TurnStep::QuotaRefused { now: later },
        TurnStep::Notified { now: later },
    ]);
    assert_eq!((given_up.quota_since, given_up.notified_at), (Some(now), Some(now)), "the first time");
    assert_eq!((given_up.attempts, given_up.cost), (1, cost));
    assert_eq!(given_up.clone().of_run(None), given_up);
    let redriven = given_up.of_run(Some("run"));
    let events = TurnState { notified_at: Some(now), begun: 1, ..TurnState::default() };
    assert_eq!(redriven, TurnState { run: Some("run".to_owned()), ..events });
    let begun = apply(&redriven, &TurnStep::Begun).unwrap();
    let told = begun.told(&redriven, Stage::Open);
    assert_eq!((told.attempts, told.begun, told.last), (1, 2, LastAttempt::None));
}

#[test]
fn an_answer_that_goes_by_reply_only_is_pushed_by_a_redrive_alone_and_only_if_the_reply_was_refused() {
    let (now, by) = (at(1), None);
    let refused = PushProgress { pushed: 0, state: PushState::Refused, method: SendMethod::Push };
    let replying = [
        BEGUN,
        TurnStep::Stored { by, method: SendMethod::Push, now },
        failed(Some(refused), false),
        TurnStep::Replying { by, now },
    ];
    let redriven = TurnStep::Redriven { run: Some("run") };
    let pushing = TurnStep::Pushing { by, pushed: 0, now };
    for (is_refused, is_redriven, is_pushed) in
        [(false, false, false), (false, true, false), (true, false, false), (true, true, true)]
    {
        let steps = replying.into_iter().chain(is_refused.then(|| failed(Some(refused), true)));
        let steps: Vec<_> = steps.chain(is_redriven.then_some(redriven)).collect();
        let pushed = apply(&after(&steps), &pushing);
        let expected = is_pushed.then_some(stored(0, PushState::Untried { since: now }, SendMethod::Push));
        assert_eq!(pushed.ok().map(|turn| turn.stage), expected, "{is_refused} {is_redriven}");
    }
}

#[test]
fn the_time_and_the_calls_of_an_attempt_that_is_withdrawn_count_all_the_same() {
    let cost = RunCost { waited: Duration::from_secs(1), paid_calls: 1 };
    let withdrawn = after(&[BEGUN, TurnStep::Withdrawn { cost: Some(cost) }]);
    assert_eq!((withdrawn.attempts, withdrawn.cost), (0, cost));
    let again = after(&[BEGUN, TurnStep::Withdrawn { cost: Some(cost) }, BEGUN, WITHDRAWN]);
    assert_eq!(again.cost, cost, "what was recorded stays");
}

#[test]
fn no_more_attempts_are_withdrawn_than_have_begun() {
    let withdrawn = after(&[BEGUN, WITHDRAWN, BEGUN]);
    assert_eq!((withdrawn.attempts, withdrawn.begun), (1, 2), "no token comes again");
    assert_eq!(apply(&TurnState::default(), &WITHDRAWN), Err(Conflict::NotBegun));
}

proptest! {
    #[test]
    fn whatever_happens_the_table_keeps_its_promises(order in prop::collection::vec(0..steps().len(), 0..40)) {
        let steps = steps();
        let mut state = TurnState::default();
        for (name, step) in order.into_iter().map(|at| &steps[at]) {
            let Ok(next) = apply(&state, step) else { continue };
            // For each attempt, a row records a failure or leaves the end open.
            prop_assert_eq!(next.last == LastAttempt::None, next.attempts == 0 && next.last.reason().is_none());
            // A turn that is over stays over, and only an answer that certainly did not arrive is made anew.
            prop_assert!(!state.stage.is_over() || next.stage.is_over(), "{name}");
            let is_anew = state.stage != Stage::Open && next.stage == Stage::Open;
            prop_assert!(!is_anew || matches!(state.stage, Stage::Stored(progress) if progress.is_unsaid()));
            // The time of the apology stays the same.
            prop_assert!(state.notified_at.is_none() || state.notified_at == next.notified_at);
            state = next;
        }
    }
}
