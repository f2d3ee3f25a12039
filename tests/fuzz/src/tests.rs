//! Replays the kept inputs: `tests/fuzz/run` found them, or a person wrote them.

use std::path::Path;

/// Gives each kept input to `holds`. Some must be accepted and some refused, because otherwise they show nothing.
fn replay(target: &str, holds: impl Fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut taken = [0, 0];
    for file in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        println!("{}", file.display());
        taken[usize::from(holds(&std::fs::read(&file).unwrap()))] += 1;
    }
    assert!(taken.iter().all(|inputs| *inputs > 2), "{taken:?}");
}

#[test]
fn nothing_but_lines_own_signature_is_taken_for_it() {
    replay("signature", crate::signature::holds);
}

#[test]
fn each_event_is_judged_alone_and_its_jobs_cross_the_queue() {
    replay("webhook", crate::webhook::holds);
}

#[test]
fn a_job_that_is_read_is_written_as_the_same() {
    replay("job", crate::job::holds);
}

#[test]
fn prompt_and_answer_fit_the_context() {
    replay("prompt", crate::prompt::holds);
}

#[test]
fn the_bubbles_joined_are_the_answer() {
    replay("split", crate::split::holds);
}

#[test]
fn no_letter_is_lost_with_the_marks() {
    replay("markdown", crate::markdown::holds);
}

#[test]
fn whatever_the_model_answers_becomes_an_answer_or_one_line() {
    replay("model", crate::model::holds);
}

#[test]
fn the_page_refuses_what_it_does_not_know_and_serves_nobody_else() {
    replay("page", crate::page::holds);
}
