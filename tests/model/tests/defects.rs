//! Puts in what the product is known to do wrong, one at a time, and sees it found.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use model::{
    bounds::{alone, beside, replied, replied_beside},
    invariants::Invariant::{self, SaidOnce, ToldTruthfully, TruthfulLetters},
    search::search,
    setting::{
        Defect,
        Disturbance::{LostCall, Resend, Stop},
        Model, Rules, Setting,
    },
};

/// No search goes on beyond so many states.
const MOST: usize = 10_000_000;

/// Each known defect, the promise that it breaks, and where.
fn defects() -> Vec<(Defect, Invariant, Setting)> {
    let with = |setting: Setting, most: &[_]| setting.with(most);
    vec![
        (Defect::GivenUpUnrecorded, ToldTruthfully, alone()),
        (Defect::OutOfTimeSaysUnknown, TruthfulLetters, alone()),
        (Defect::StaleRefusal, ToldTruthfully, beside()),
        (Defect::NumberComesAgain, SaidOnce, with(replied_beside(), &[(Stop, 1)])),
        (Defect::GoesOnAfterGivenUp, ToldTruthfully, beside()),
        (Defect::OlderAttemptReplies, SaidOnce, replied_beside()),
        (Defect::RiskPassesForRefusal, ToldTruthfully, with(replied(), &[(LostCall, 2), (Resend, 1)])),
    ]
}

#[test]
fn each_known_defect_is_found_as_long_as_it_is_there() {
    let mut all = vec![];
    for (defect, promise, setting) in defects() {
        let name = setting.name;
        let setting = Setting { defect: Some(defect), only: Some(promise), total: 5, ..setting };
        let found = search(&Model { rules: Rules::REAL, setting }, MOST);
        let Some(violation) = found.violation else { panic!("{defect:?}, {name}: {found}") };
        println!("{defect:?}, {name}: {} states\n{violation}", found.states);
        all.push(defect);
    }
    all.dedup();
    assert_eq!(all, Defect::ALL);
}
