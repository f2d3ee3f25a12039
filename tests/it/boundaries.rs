//! Every boundary: during each request of a pipeline, and each commit, its process may die or an answer may get lost.
//! The test finds the boundaries in the running programs, so that it misses no new call: a story runs once to its
//! end, with a gate between the programs and everything outside of them, which records what passes (`gate`). Then the
//! story runs again for each boundary and each fault: the process is killed just before the effect, or just after it,
//! or the answer is lost. LINE delivers a webhook again that got no 200, the queue shows a job again that is not
//! done, and a killed process starts again. At the end of each run the same rules hold (`check`).
//!
//! The id of a boundary is its name and the number of boundaries of that name before it, because parallel steps come
//! in any order.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use emulator::{
    line::Line,
    model::{Model, see},
};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout},
};

use self::{
    gate::Gate,
    lambda::OnLambda,
    one_machine::OneMachine,
    record::{Boundary, Fault},
    stories::{Story, redelivered},
};
use crate::harness::local::host;

mod check;
mod gate;
mod lambda;
mod one_machine;
mod record;
mod store;
mod stories;

/// The time that a story may take. Letters that a killed redrive held are shown again after two minutes.
const PATIENCE: Duration = Duration::from_mins(5);
/// The number of stories that run at once, and of those that mostly wait for that timeout.
const AT_ONCE: usize = 8;
const AT_ONCE_REDRIVEN: usize = 40;
/// The most runs in search of one boundary: parallel steps may share a commit or not, so that a run may not reach it.
const TRIES: usize = 10;

/// A bot with a source of webhooks and jobs, which restarts killed processes.
#[async_trait]
pub trait Pipeline: Send {
    /// Posts this webhook as LINE does; returns whether the answer is 200.
    async fn takes(&mut self, webhook: &Value) -> bool;
    /// Works on jobs; returns whether none is left.
    async fn works(&mut self) -> bool;
    /// Redrives every dead letter as an operator does; returns whether the command succeeded and no letter is left.
    async fn redrives(&mut self) -> bool;
    /// Returns the log of all processes so far.
    fn log(&self) -> String;
}

#[derive(Clone, Copy, Debug)]
enum BackEnd {
    OneMachine,
    Lambda,
}

/// The start values of a pipeline.
pub struct Stage {
    line_url: String,
    model_url: String,
    variables: &'static [(&'static str, &'static str)],
    fault: Option<(Boundary, Fault)>,
}

impl Stage {
    fn variables(&self) -> Vec<(String, String)> {
        self.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

/// The arguments with which an operator redrives every dead letter.
const REDRIVE: [&str; 5] = ["dlq", "redrive", "--all", "--yes", "--json"];
const OPERATOR: &str = "operator";

/// Runs a story with this fault, if any; returns its gate and the problems at its end. It has a runtime of its own, with
/// which its servers end, because hundreds of runs would leave too many open files.
async fn live(story: Story, on: BackEnd, fault: Option<(Boundary, Fault)>) -> (Arc<Gate>, Vec<String>) {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    spawn_blocking(move || runtime().block_on(live_here(&story, on, fault))).await.unwrap()
}

async fn live_here(story: &Story, on: BackEnd, fault: Option<(Boundary, Fault)>) -> (Arc<Gate>, Vec<String>) {
    let line = Line::new();
    let model = Model::new(Duration::ZERO, |messages| stories::answer(&see::said(messages.last().unwrap())));
    (story.faults)(&line, &model);
    let (line_url, model_url) = (host(line.clone().router()).await, host(model.clone().router()).await);
    let stage = Stage { line_url, model_url, variables: story.variables, fault };
    let (gate, kept, mut pipeline) = match on {
        BackEnd::OneMachine => OneMachine::start(&stage).await,
        BackEnd::Lambda => OnLambda::start(&stage).await,
    };
    let told = async {
        for mut webhook in (story.webhooks)(&line) {
            line.sends(&webhook, Instant::now());
            while !pipeline.takes(&webhook).await {
                webhook = redelivered(&webhook);
                line.sends(&webhook, Instant::now());
            }
            while !pipeline.works().await {}
        }
        while story.redrives && !pipeline.redrives().await {
            while !pipeline.works().await {}
        }
        while !pipeline.works().await {}
    };
    let mut wrong = vec![];
    if timeout(PATIENCE, told).await.is_err() {
        wrong.push("jobs are left over".to_owned());
    }
    wrong.extend(check::check(story, &line, &model, &gate, &kept).await);
    if !wrong.is_empty() {
        wrong.push(pipeline.log());
    }
    (gate, wrong)
}

/// Runs a story, and again with each fault that it can meet; returns its boundaries.
async fn survive(story: Story, on: BackEnd) -> Vec<String> {
    let (gate, wrong) = live(story.clone(), on, None).await;
    assert!(wrong.is_empty(), "without a fault: {}", wrong.join("\n"));
    let is_operated = gate.record().names().iter().any(|name| name.starts_with(OPERATOR));
    assert_eq!(is_operated, story.redrives, "what is redriven is seen");
    let faults = gate.record().faults();
    println!("{} faults at: {}", faults.len(), gate.record().names().join(", "));
    let failures = faults.into_iter().map(async |(boundary, fault)| {
        for _ in 0..TRIES {
            let (gate, wrong) = live(story.clone(), on, Some((boundary.clone(), fault))).await;
            if !wrong.is_empty() {
                return Some(format!("{fault:?} at {boundary}: {}", wrong.join("\n")));
            }
            if gate.record().is_done() {
                return None;
            }
        }
        Some(format!("{fault:?} at {boundary}: no run came to it"))
    });
    let at_once = if story.redrives { AT_ONCE_REDRIVEN } else { AT_ONCE };
    let failures = stream::iter(failures).buffer_unordered(at_once).filter_map(async |failure| failure);
    let failures: Vec<_> = failures.collect().await;
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n\n"));
    gate.record().names()
}

/// Asserts that the gate saw these boundaries: without it the test would find nothing.
fn assert_found(boundaries: &[String], expected: &[&str]) {
    for boundary in expected {
        assert!(boundaries.iter().any(|found| found == boundary), "{boundary} is not in {boundaries:?}");
    }
}

/// Makes tests of the stories for both back ends. The first one always runs, the others only in `tests/long`.
macro_rules! stories {
    ($($name:ident)*) => {
        mod on_one_machine {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn a_question_is_answered() {
                let found = survive(stories::a_question_is_answered(), BackEnd::OneMachine).await;
                assert_found(&found, &SERVES);
            }

            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "all together take minutes: tests/long"]
            async fn $name() {
                survive(stories::$name(), BackEnd::OneMachine).await;
            })*
        }

        mod on_lambda {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn a_question_is_answered() {
                let found = survive(stories::a_question_is_answered(), BackEnd::Lambda).await;
                assert_found(&found, &WORKS);
            }

            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "all together take minutes: tests/long"]
            async fn $name() {
                survive(stories::$name(), BackEnd::Lambda).await;
            })*
        }
    };
}

stories!(
    a_second_question_is_answered_after_the_first
    what_is_quoted_is_looked_up
    a_long_answer_is_said_in_several_pushes
    a_message_is_marked_as_read
    a_free_reply_carries_the_answer
    a_free_reply_is_followed_by_pushes
    a_free_reply_takes_the_place_of_a_push_where_the_month_is_used_up
    a_redelivery_is_no_second_question
    a_burst_is_answered
    a_refusal_is_told_once
    what_is_taken_back_is_forgotten
    who_leaves_is_forgotten
    who_wishes_so_is_forgotten_and_told
    a_picture_is_looked_at
    a_set_of_images_is_one_question
    the_next_question_sees_the_picture_again
    a_voice_is_heard
    a_file_is_read_again
    of_a_video_the_preview_is_seen
    a_change_of_what_a_group_was_answered_is_remembered
    two_people_are_answered_at_once
    a_new_friend_is_greeted
    a_persona_is_chosen
    who_asks_for_the_staff_is_handed_over_once
    the_fallback_answers_for_a_model_that_is_gone
    a_refusal_is_mended_by_a_redrive
    what_line_refuses_is_pushed_after_a_redrive
);

/// The boundaries that one machine has at least: commits, the model, LINE.
const SERVES: [&str; 3] =
    ["serve commit #1", "serve POST /v1/chat/completions #1", "serve POST /v2/bot/message/push #1"];
/// The boundaries that Lambda has at least: also secrets, the queue and the table.
const WORKS: [&str; 6] = [
    "ingress GetParameter #1",
    "ingress SendMessageBatch #1",
    "worker GetParameters #1",
    "worker TransactWriteItems #1",
    "worker POST /v1/chat/completions #1",
    "worker POST /v2/bot/message/push #1",
];
