//! Both histories follow the table of a turn: the test takes each step from each stage through the port, and the port
//! must return the result of [`apply`]. The test reaches the stages by such steps, too, and checks them alike.
//!
//! A redrive always names a new run. No case returns to a run that was left: DynamoDB keeps its counts, and SQLite
//! does not. Every answer is part of its conversation. For an answer that is no part of it, SQLite forgets the pushes
//! with the conversation, and DynamoDB does not: its head does not name that turn.

use std::iter::successors;

use futures_util::{StreamExt, stream};
use worker::{
    failure::Reason,
    history::{PushProgress, PushState, RunCost, SendMethod, Stage},
    rules::turn::{TurnState, TurnStep, apply},
};

use self::port::Story;
use super::{Duration, History, later};

mod port;

pub(super) use self::port::Operator;

/// The number of cases that run at once.
const AT_ONCE: usize = 4;

/// Tries every step from every stage.
pub(super) async fn suite(history: &dyn History, operator: &dyn Operator) {
    let tried = all_cases().into_iter().enumerate().map(async |(number, case)| {
        let is_owed = |step: &TurnStep<'_>| matches!(step, TurnStep::AnswerUnsent { is_owed: true });
        let others = if case.way.iter().chain([&case.step]).any(is_owed) { 2 } else { 0 };
        let mut story = Story::begin(history, operator, number, case.title, others).await;
        for step in &case.way {
            story.take(step).await;
        }
        story.check_stage().await;
        // A merge begins each turn that it answers. DynamoDB clears the last failure then and not with the answer: a
        // merge does not know the run of another turn.
        if matches!(case.step, TurnStep::Merged) {
            story.take(&TurnStep::Begun).await;
        }
        story.takes_back_own = case.takes_back_own;
        story.take(&case.step).await;
        story.check_stage().await;
        story.take(&TurnStep::Begun).await;
        story.check_notified().await;
    });
    stream::iter(tried).buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// A step from a stage.
struct Case {
    title: String,
    way: Vec<TurnStep<'static>>,
    step: TurnStep<'static>,
    /// Whether the step unsends the turn's own message.
    takes_back_own: bool,
}

fn all_cases() -> Vec<Case> {
    let mut all = vec![];
    for stage in successors(Some(Stage::Open), |stage| ways(*stage).1) {
        for (name, way) in ways(stage).0 {
            let before = way.iter().fold(TurnState::default(), |state, step| apply(&state, step).unwrap());
            assert_eq!(before.stage.map(drop), stage, "{name}");
            let first = TurnStep::Redriven { run: None };
            for step in successors(Some(first), |step| cases(step, &before).1) {
                let steps = cases(&step, &before).0.into_iter();
                for step in steps.filter(|step| can_be_taken(step, &way, &before)) {
                    // The other questions wait for an answer, whichever message was unsent.
                    let is_owed = matches!(step, TurnStep::AnswerUnsent { is_owed: true });
                    for takes_back_own in if is_owed { &[true, false][..] } else { &[true] } {
                        let whose = if *takes_back_own { "" } else { " by another's message" };
                        let title = format!("{step:?}{whose} from \"{name}\"");
                        all.push(Case { title, way: way.clone(), step, takes_back_own: *takes_back_own });
                    }
                }
            }
        }
    }
    all
}

type Way = (&'static str, Vec<TurnStep<'static>>);

/// Returns ways into a stage by steps without a conflict, and the next stage of the enum. A new stage does not
/// compile until it is added here.
fn ways(stage: Stage<()>) -> (Vec<Way>, Option<Stage<()>>) {
    use TurnStep::{Begun, ConversationForgotten, Delivered, Forgotten, Merged, Replaced};
    let by = |method| TurnStep::Stored { by: None, method, now: later(5) };
    let (pushed, replied) = (by(SendMethod::Push), by(SendMethod::ReplyToken));
    let redriven = TurnStep::Redriven { run: Some("letter") };
    let withdrawn = TurnStep::Withdrawn { cost: None };
    let refused = failed(Some((0, PushState::Refused)), false, None);
    let unknown = failed(Some((0, PushState::Unknown { since: later(4) })), false, None);
    let no_model = failed(None, false, Some(3));
    let gave_up = failed(None, true, Some(4));
    let one_pushed = failed(Some((1, PushState::Refused)), true, None);
    let over_quota = TurnStep::QuotaRefused { now: later(6) };
    let notified = TurnStep::Notified { now: later(7) };
    let pushing = TurnStep::Pushing { by: None, pushed: 1, now: later(8) };
    let not_replied = TurnStep::NotReplied { by: Some(1), now: later(8) };
    let replying = TurnStep::Replying { by: None, now: later(8) };
    let resend_risked = TurnStep::ResendRisked { now: later(40) };
    let taken_back = TurnStep::AnswerUnsent { is_owed: true };
    match stage {
        Stage::Open => (
            vec![
                ("no row", vec![]),
                ("begun", vec![Begun]),
                ("withdrawn", vec![Begun, withdrawn]),
                ("failed", vec![Begun, no_model]),
                ("failed and withdrawn", vec![Begun, no_model, withdrawn]),
                ("crashed twice", vec![Begun, Begun]),
                ("given up", vec![Begun, over_quota, gave_up, notified]),
                ("redriven", vec![Begun, over_quota, gave_up, notified, redriven, Begun]),
                ("given up twice", vec![Begun, no_model, redriven, Begun, over_quota, gave_up]),
                ("open again", vec![Begun, pushed, refused, taken_back]),
            ],
            Some(Stage::Stored(())),
        ),
        Stage::Stored(()) => (
            vec![
                ("untried push", vec![Begun, pushed]),
                ("untried reply", vec![Begun, replied]),
                ("crashed before the push", vec![Begun, pushed, Begun]),
                ("withdrawn before the push", vec![Begun, pushed, withdrawn]),
                ("refused push", vec![Begun, pushed, refused]),
                ("refused push, given up", vec![Begun, pushed, refused, gave_up, notified]),
                ("refused reply", vec![Begun, replied, refused]),
                ("unknown push", vec![Begun, pushed, unknown]),
                ("unknown reply", vec![Begun, replied, unknown]),
                ("not replied", vec![Begun, replied, not_replied]),
                ("replying instead", vec![Begun, pushed, refused, replying]),
                ("replying instead, refused", vec![Begun, pushed, refused, replying, refused]),
                (
                    "replying instead, redriven",
                    vec![Begun, pushed, refused, replying, gave_up, redriven, Begun],
                ),
                (
                    "replying instead, refused and redriven",
                    vec![Begun, pushed, refused, replying, refused, gave_up, redriven, Begun],
                ),
                ("one of two pushed", vec![Begun, pushed, one_pushed]),
                ("one of two pushed, the other tried", vec![Begun, replied, pushing]),
                ("resend risked", vec![Begun, replied, unknown, resend_risked]),
                ("redriven after storing", vec![Begun, pushed, one_pushed, redriven, Begun]),
                ("stored after a redrive", vec![Begun, gave_up, redriven, Begun, replied, no_model]),
            ],
            Some(Stage::Delivered),
        ),
        Stage::Delivered => (
            vec![
                ("nothing to say", vec![Begun, no_model, Delivered]),
                ("delivered", vec![Begun, pushed, refused, pushing, Delivered]),
                ("merged", vec![Begun, Merged]),
            ],
            Some(Stage::Forgotten),
        ),
        Stage::Forgotten => (
            vec![
                ("forgotten while open", vec![Begun, gave_up, notified, Forgotten]),
                ("forgotten while stored", vec![Begun, pushed, one_pushed, Forgotten]),
                ("forgotten with the conversation", vec![Begun, replied, ConversationForgotten]),
                ("forgotten after the merge", vec![Begun, Merged, Forgotten]),
                ("replaced before it began", vec![Replaced]),
            ],
            Some(Stage::InDoubt),
        ),
        Stage::InDoubt => (
            vec![
                ("in doubt", vec![Begun, pushed, taken_back]),
                ("in doubt after a reply", vec![Begun, replied, unknown, gave_up, taken_back]),
            ],
            None,
        ),
    }
}

/// Returns the cases of a step, and the next step of the enum. A new step does not compile until it is added here.
fn cases(step: &TurnStep<'_>, before: &TurnState) -> (Vec<TurnStep<'static>>, Option<TurnStep<'static>>) {
    use TurnStep::{
        AnswerUnsent, Begun, ConversationForgotten, Delivered, Edited, Failed, Forgotten, Merged, NotReplied,
        Notified, Pushing, QuotaRefused, Redriven, Replaced, Replying, ResendRisked, Stored, Unsent,
        Withdrawn,
    };
    let now = later(40);
    // No attempt has the token 0.
    let (newest, older) = (before.begun.max(1), before.begun.saturating_sub(1).max(1));
    let attempts = [None, Some(newest), Some(newest + 1), Some(older)];
    match step {
        Redriven { .. } => (vec![Redriven { run: Some("another") }], Some(Begun)),
        Begun => (vec![Begun], Some(Stored { by: None, method: SendMethod::Push, now })),
        Stored { .. } => {
            let methods = [SendMethod::Push, SendMethod::ReplyToken];
            let cases = methods.into_iter().flat_map(|method| attempts.map(|by| Stored { by, method, now }));
            (cases.collect(), Some(Merged))
        }
        Merged => (vec![Merged], Some(Pushing { by: None, pushed: 0, now })),
        Pushing { .. } => {
            let cases = [0, 1].into_iter().flat_map(|pushed| attempts.map(|by| Pushing { by, pushed, now }));
            (cases.collect(), Some(NotReplied { by: None, now }))
        }
        NotReplied { .. } => {
            (attempts.map(|by| NotReplied { by, now }).to_vec(), Some(Replying { by: None, now }))
        }
        Replying { .. } => (attempts.map(|by| Replying { by, now }).to_vec(), Some(QuotaRefused { now })),
        QuotaRefused { .. } => (vec![QuotaRefused { now }], Some(Delivered)),
        Delivered => (vec![Delivered], Some(failed(None, false, None))),
        Failed { .. } => {
            let cases = vec![
                failed(None, false, None),
                failed(None, true, Some(7)),
                failed(Some((0, PushState::Refused)), false, Some(8)),
                failed(Some((1, PushState::Unknown { since: later(35) })), false, None),
                failed(Some((1, PushState::Untried { since: later(36) })), true, None),
            ];
            let by_each = attempts.map(|by| Failed {
                by,
                reason: Reason::LineRejected,
                progress: None,
                gave_up: false,
                cost: Some(cost(5)),
            });
            let cases = cases.into_iter().chain(by_each).collect();
            (cases, Some(Withdrawn { cost: None }))
        }
        Withdrawn { .. } => {
            (vec![Withdrawn { cost: None }, Withdrawn { cost: Some(cost(9)) }], Some(Forgotten))
        }
        Forgotten => (vec![Forgotten], Some(Unsent)),
        Unsent => (vec![Unsent], Some(AnswerUnsent { is_owed: false })),
        AnswerUnsent { .. } => {
            (vec![AnswerUnsent { is_owed: false }, AnswerUnsent { is_owed: true }], Some(Edited))
        }
        Edited => (vec![Edited], Some(ConversationForgotten)),
        ConversationForgotten => (vec![ConversationForgotten], Some(Replaced)),
        Replaced => (vec![Replaced], Some(Notified { now })),
        Notified { .. } => (vec![Notified { now }], Some(ResendRisked { now })),
        ResendRisked { .. } => (vec![ResendRisked { now }], None),
    }
}

/// Whether the port can take a step after this way.
fn can_be_taken(step: &TurnStep<'_>, way: &[TurnStep<'_>], before: &TurnState) -> bool {
    let is_merged = way.iter().any(|step| matches!(step, TurnStep::Merged));
    let has_answer = way.iter().any(|step| matches!(step, TurnStep::Stored { .. }));
    match step {
        // An unsend of its message is one of these two steps, and neither if no answer was ever stored for it.
        TurnStep::Unsent => is_merged,
        TurnStep::AnswerUnsent { is_owed: false } => has_answer || before.stage == Stage::Open,
        // Nobody waits any more for an answer in doubt.
        TurnStep::AnswerUnsent { is_owed: true } => has_answer && before.stage != Stage::InDoubt,
        // An attempt begins before it records anything. Without a row SQLite writes nothing, and DynamoDB makes one.
        TurnStep::Stored { .. }
        | TurnStep::QuotaRefused { .. }
        | TurnStep::Delivered
        | TurnStep::Failed { .. }
        | TurnStep::Forgotten
        | TurnStep::Notified { .. } => !way.is_empty(),
        // Without a row these steps are in conflict, begin the turn, or come from people.
        TurnStep::Redriven { .. }
        | TurnStep::Begun
        | TurnStep::Merged
        | TurnStep::Pushing { .. }
        | TurnStep::NotReplied { .. }
        | TurnStep::Replying { .. }
        | TurnStep::Withdrawn { .. }
        | TurnStep::Edited
        | TurnStep::ConversationForgotten
        | TurnStep::Replaced
        | TurnStep::ResendRisked { .. } => true,
    }
}

fn failed(progress: Option<(u32, PushState)>, gave_up: bool, paid_calls: Option<u32>) -> TurnStep<'static> {
    let reason = if gave_up { Reason::LineRejected } else { Reason::ModelUnavailable };
    // The turn keeps its own send method and ignores this one.
    let progress = progress.map(|(pushed, state)| PushProgress { pushed, state, method: SendMethod::Push });
    TurnStep::Failed { by: None, reason, progress, gave_up, cost: paid_calls.map(cost) }
}

fn cost(paid_calls: u32) -> RunCost {
    RunCost { waited: Duration::from_millis(1_500 * u64::from(paid_calls)), paid_calls }
}
