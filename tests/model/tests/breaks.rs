//! Puts broken rules in, one at a time, and checks that the search finds each, which shows that the search works.
#![expect(
    clippy::similar_names,
    clippy::too_many_lines,
    clippy::unnecessary_wraps,
    reason = "a list of tables, each with a row in the table's own words"
)]

use model::{
    bounds::{alone, beside, merged, merged_beside, replied, replied_beside, used_up, used_up_beside},
    invariants::Invariant,
    search::search,
    setting::{
        Disturbance::{Edit, Line, Pause, Stop},
        Model, Rules, Setting,
    },
};
use worker::{
    history::{LastAttempt, PushProgress, PushState, SendMethod, Stage},
    rules::turn::{Conflict, TurnState, TurnStep, apply},
};

/// The most states of a search.
const MOST: usize = 10_000_000;

type Table = fn(&TurnState, &TurnStep<'_>) -> Result<TurnState, Conflict>;

/// Returns the result of the table for another stage.
fn as_if(stage: Stage<PushProgress>, state: &TurnState, step: &TurnStep<'_>) -> Result<TurnState, Conflict> {
    apply(&TurnState { stage, ..state.clone() }, step)
}

/// Returns the same turn at another stage.
fn at(stage: Stage<PushProgress>, state: &TurnState) -> Result<TurnState, Conflict> {
    Ok(TurnState { stage, ..state.clone() })
}

/// Returns the result of the table with another state of the next push.
fn with_state(
    change: fn(PushProgress) -> PushProgress,
    state: &TurnState,
    step: &TurnStep<'_>,
) -> Result<TurnState, Conflict> {
    let after = apply(state, step)?;
    let stage =
        if let Stage::Stored(progress) = after.stage { Stage::Stored(change(progress)) } else { after.stage };
    Ok(TurnState { stage, ..after })
}

/// Returns the same step of an attempt without a fencing token, which nothing refuses.
fn unfenced<'a>(step: &TurnStep<'a>) -> TurnStep<'a> {
    let mut step = *step;
    if let TurnStep::Stored { by, .. }
    | TurnStep::Failed { by, .. }
    | TurnStep::Pushing { by, .. }
    | TurnStep::NotReplied { by, .. }
    | TurnStep::Replying { by, .. } = &mut step
    {
        *by = None;
    }
    step
}

fn refused(progress: PushProgress) -> PushProgress {
    PushProgress { state: PushState::Refused, ..progress }
}

/// Returns broken tables, each with the fault's description and the setting in which the search finds it.
fn tables() -> Vec<(&'static str, Table, Setting)> {
    vec![
        // These tables send an answer twice.
        (
            "a second answer takes the place of the first",
            |state, step| match *step {
                TurnStep::Stored { .. } if matches!(state.stage, Stage::Stored(_)) => {
                    as_if(Stage::Open, state, &unfenced(step))
                }
                _ => apply(state, step),
            },
            beside(),
        ),
        // With these an attempt continues although another one has begun since, after its lease ended.
        (
            "an older attempt stores its answer",
            |state, step| match *step {
                TurnStep::Stored { .. } => apply(state, &unfenced(step)),
                _ => apply(state, step),
            },
            replied_beside(),
        ),
        (
            "an older attempt says that LINE refused a push",
            |state, step| match *step {
                TurnStep::Failed { .. } => apply(state, &unfenced(step)),
                _ => apply(state, step),
            },
            beside(),
        ),
        (
            "an older attempt pushes again",
            |state, step| match *step {
                TurnStep::Pushing { .. } => apply(state, &unfenced(step)),
                _ => apply(state, step),
            },
            beside().with(&[(Line, 2)]),
        ),
        (
            "a fencing token comes again",
            |state, step| match step {
                TurnStep::Withdrawn { .. } => {
                    let after = apply(state, step)?;
                    Ok(TurnState { begun: after.begun.saturating_sub(1), ..after })
                }
                _ => apply(state, step),
            },
            replied_beside().with(&[(Stop, 1)]),
        ),
        (
            "an answer is stored of a turn that is over",
            |state, step| match step {
                TurnStep::Stored { .. } if state.stage == Stage::Delivered => as_if(Stage::Open, state, step),
                _ => apply(state, step),
            },
            merged_beside(),
        ),
        (
            "a turn that is answered is answered with another one, too",
            |state, step| match step {
                TurnStep::Merged => as_if(Stage::Open, state, step),
                _ => apply(state, step),
            },
            merged_beside(),
        ),
        (
            "the first push of a stored answer is not expected to be tried",
            |state, step| match step {
                TurnStep::Stored { .. } => with_state(refused, state, step),
                _ => apply(state, step),
            },
            alone(),
        ),
        (
            "a push that is tried again is not expected to be",
            |state, step| match step {
                TurnStep::Pushing { .. } => with_state(refused, state, step),
                _ => apply(state, step),
            },
            alone(),
        ),
        (
            "a failure says that LINE refused the push",
            |state, step| match step {
                TurnStep::Failed { .. } => with_state(refused, state, step),
                _ => apply(state, step),
            },
            alone(),
        ),
        // These send an answer twice: it is pushed after a reply of unknown outcome.
        (
            "a failure makes a push of a reply",
            |state, step| match step {
                TurnStep::Failed { .. } => {
                    with_state(|progress| PushProgress { method: SendMethod::Push, ..progress }, state, step)
                }
                _ => apply(state, step),
            },
            replied(),
        ),
        (
            "an attempt pushes although another one may be replying",
            |state, step| match step {
                TurnStep::NotReplied { .. } => apply(state, &unfenced(step)),
                _ => apply(state, step),
            },
            replied_beside(),
        ),
        // These push an answer although it goes by the free reply, because the month's messages are used up.
        (
            "a reply takes the place of a push, and a push may follow",
            |state, step| match step {
                TurnStep::Replying { .. } => with_state(
                    |progress| PushProgress { method: SendMethod::ReplyToken, ..progress },
                    state,
                    step,
                ),
                _ => apply(state, step),
            },
            used_up(),
        ),
        (
            "an answer that goes by reply only is pushed",
            |state, step| match (step, state.stage) {
                (TurnStep::Pushing { .. }, Stage::Stored(progress)) => {
                    let pushed = Stage::Stored(PushProgress { method: SendMethod::Push, ..progress });
                    as_if(pushed, state, step)
                }
                (TurnStep::Replying { .. }, _) => {
                    with_state(|progress| PushProgress { method: SendMethod::Push, ..progress }, state, step)
                }
                _ => apply(state, step),
            },
            used_up(),
        ),
        (
            "a reply takes the place of a push, and is not expected to be tried",
            |state, step| match step {
                TurnStep::Replying { .. } => with_state(refused, state, step),
                _ => apply(state, step),
            },
            used_up(),
        ),
        (
            "the refusal of the push is told as the outcome of the reply",
            |state, step| match step {
                TurnStep::Replying { .. } => Ok(TurnState { last: state.last, ..apply(state, step)? }),
                _ => apply(state, step),
            },
            used_up(),
        ),
        (
            "an older attempt replies although another one may be pushing",
            |state, step| match step {
                TurnStep::Replying { .. } => match (apply(state, &unfenced(step)), state.stage) {
                    (Err(Conflict::MayHaveBeenSent), Stage::Stored(progress)) => {
                        as_if(Stage::Stored(refused(progress)), state, &unfenced(step))
                    }
                    (after, _) => after,
                },
                _ => apply(state, step),
            },
            used_up_beside(),
        ),
        // These send an answer twice: the outcome is called refused instead of unknown.
        (
            "what may have arrived is asked anew for the others",
            |state, step| match step {
                TurnStep::AnswerUnsent { is_owed: true } if matches!(state.stage, Stage::Stored(_)) => {
                    at(Stage::Open, state)
                }
                _ => apply(state, step),
            },
            merged(),
        ),
        (
            "what is in doubt is asked anew",
            |state, step| match step {
                TurnStep::Begun { .. } if state.stage == Stage::InDoubt => as_if(Stage::Open, state, step),
                _ => apply(state, step),
            },
            merged(),
        ),
        // These pay for an answer again.
        (
            "a delivered turn begins again",
            |state, step| match step {
                TurnStep::Begun { .. } if state.stage == Stage::Delivered => as_if(Stage::Open, state, step),
                _ => apply(state, step),
            },
            alone(),
        ),
        (
            "a forgotten turn begins again",
            |state, step| match step {
                TurnStep::Begun { .. } if state.stage == Stage::Forgotten => as_if(Stage::Open, state, step),
                _ => apply(state, step),
            },
            alone(),
        ),
        (
            "a redrive opens the turn again",
            |state, step| match step {
                TurnStep::Redriven { .. } => as_if(Stage::Open, state, step),
                _ => apply(state, step),
            },
            alone(),
        ),
        // These send or keep an answer after it was taken back.
        (
            "a forgotten answer is pushed",
            |state, step| match step {
                TurnStep::Pushing { .. } if state.stage == Stage::Forgotten => Ok(state.clone()),
                _ => apply(state, step),
            },
            alone(),
        ),
        (
            "an answer outlives its conversation",
            |state, step| match step {
                TurnStep::ConversationForgotten => Ok(state.clone()),
                _ => apply(state, step),
            },
            alone(),
        ),
        (
            "an answer outlives its message",
            |state, step| match step {
                TurnStep::AnswerUnsent { .. } => Ok(state.clone()),
                _ => apply(state, step),
            },
            merged(),
        ),
        // These lose a question.
        (
            "an answer that is owed to others is forgotten",
            |state, step| match step {
                TurnStep::AnswerUnsent { .. } => apply(state, &TurnStep::AnswerUnsent { is_owed: false }),
                _ => apply(state, step),
            },
            merged(),
        ),
        (
            "what is in doubt is forgotten, and nobody is told",
            |state, step| match step {
                TurnStep::AnswerUnsent { .. } => match apply(state, step)? {
                    TurnState { stage: Stage::InDoubt, .. } => at(Stage::Forgotten, state),
                    after => Ok(after),
                },
                _ => apply(state, step),
            },
            merged(),
        ),
        (
            "a stored answer is over when it begins again",
            |state, step| match step {
                TurnStep::Begun { .. } if matches!(state.stage, Stage::Stored(_)) => {
                    at(Stage::Delivered, state)
                }
                _ => apply(state, step),
            },
            alone(),
        ),
        // These apologise although the answer arrived.
        (
            "the person is told although the answer may have arrived",
            |state, step| match step {
                TurnStep::Notified { .. } if matches!(state.stage, Stage::Stored(_)) => {
                    as_if(Stage::Open, state, step)
                }
                _ => apply(state, step),
            },
            alone(),
        ),
        // These break the limit of attempts.
        (
            "a run that was given up goes on",
            |state, step| match *step {
                TurnStep::Failed { by, reason, progress, cost, .. } => {
                    apply(state, &TurnStep::Failed { by, reason, progress, cost, gave_up: false })
                }
                _ => apply(state, step),
            },
            alone(),
        ),
        (
            "attempts are not counted",
            |state, step| match step {
                TurnStep::Begun { .. } => Ok(TurnState { attempts: state.attempts, ..apply(state, step)? }),
                _ => apply(state, step),
            },
            alone(),
        ),
        (
            "an attempt that is withdrawn was never made, nor those before it",
            |state, step| match step {
                TurnStep::Withdrawn { .. } => {
                    Ok(TurnState { attempts: 0, last: LastAttempt::None, ..apply(state, step)? })
                }
                _ => apply(state, step),
            },
            alone(),
        ),
    ]
}

/// Returns the result of a search.
fn found(rules: Rules, setting: Setting) -> (Option<Invariant>, usize, String) {
    let found = search(&Model { rules, setting }, MOST);
    let trace = found.violation.as_ref().map(ToString::to_string).unwrap_or_default();
    (found.violation.map(|violation| violation.invariant), found.states, trace)
}

#[test]
fn the_real_table_holds_wherever_a_broken_one_is_looked_for() {
    for setting in [
        alone(),
        beside(),
        replied(),
        replied_beside(),
        used_up(),
        used_up_beside(),
        merged(),
        merged_beside(),
    ] {
        let name = setting.name;
        let (invariant, states, trace) = found(Rules::REAL, setting);
        println!("{name}: {states} states");
        assert!(invariant.is_none(), "{name}: {trace}");
    }
}

#[test]
fn each_broken_table_is_found() {
    let mut missed = vec![];
    for (name, apply, setting) in tables() {
        let (invariant, states, _) = found(Rules { apply, ..Rules::REAL }, setting);
        match invariant {
            Some(invariant) => println!("{name}: {invariant} after {states} states"),
            None => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

#[test]
fn an_answer_to_an_older_text_is_found() {
    let rules = Rules { is_current: |_, _| true, ..Rules::REAL };
    let setting = alone().with(&[(Edit, 1)]);
    let (invariant, states, trace) = found(rules, setting);
    println!("{states} states\n{trace}");
    assert_eq!(invariant, Some(Invariant::AnsweredAsChanged));
}

#[test]
fn an_answer_that_is_stored_in_a_pause_is_found() {
    let rules = Rules { may_answer: |_| true, ..Rules::REAL };
    let (invariant, states, trace) = found(rules, alone().with(&[(Pause, 1)]));
    println!("{states} states\n{trace}");
    assert_eq!(invariant, Some(Invariant::NothingInPause));
}

#[test]
fn an_answer_that_is_sent_in_a_pause_is_found() {
    let rules = Rules { may_send: |_| true, ..Rules::REAL };
    let (invariant, states, trace) = found(rules, alone().with(&[(Pause, 1)]));
    println!("{states} states\n{trace}");
    assert_eq!(invariant, Some(Invariant::NothingInPause));
}

#[test]
fn a_part_whose_age_is_lost_is_found() {
    let rules = Rules {
        of_next_part: |state| match state.unknown_since() {
            Some(since) => PushState::Untried { since: since + jiff::SignedDuration::from_hours(12) },
            None => state,
        },
        ..Rules::REAL
    };
    let (invariant, states, _) = found(rules, alone());
    println!("the age of the next part is lost: {invariant:?} after {states} states");
    assert!(invariant.is_some());
}
