//! Every boundary: each request that a pipeline makes, and each commit, is a moment at which its process may
//! die or an answer may get lost. Which there are is found from the running programs, so that no new call is
//! left out: a story runs once to its end, with a gate between the programs and all that is outside of them,
//! which writes down what passes (`gate`). Then the story runs anew for each boundary and each fault: the
//! process is killed just before the effect, or just after it, or the answer is lost. LINE delivers again what
//! it heard no 200 for, the queue shows again what was not done, and a process that is gone is started anew.
//! However it went, the same must be so at the end (`check`).
//!
//! A boundary is known by its name and by how many of that name there were before it, as what is done side by
//! side comes in any order.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use emulator::{
    line::Line,
    model::{Model, see},
};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use self::{
    gate::Gate,
    lambda::OnLambda,
    one_machine::OneMachine,
    record::{Boundary, Fault},
    stories::{Story, redelivered},
};
use crate::bot::host;

mod check;
mod gate;
mod lambda;
mod one_machine;
mod record;
mod store;
mod stories;

/// How long a story may take. Letters that a redrive held when it was killed are shown again after two minutes.
const PATIENCE: Duration = Duration::from_mins(5);
/// How many stories run at once, and how many of those that mostly wait for that.
const AT_ONCE: usize = 8;
const AT_ONCE_REDRIVEN: usize = 40;
/// How often a boundary is looked for that a run did not come to: what is begun at once may share a commit, or not.
const TRIES: usize = 10;

/// A bot, and whoever brings it webhooks and jobs, and starts anew what died.
#[async_trait]
pub trait Pipeline: Send {
    /// LINE posts this webhook; whether it hears 200.
    async fn takes(&mut self, webhook: &Value) -> bool;
    /// Works on; whether nothing is left.
    async fn works(&mut self) -> bool;
    /// An operator redrives every dead letter; whether that ended well, and no letter is left.
    async fn redrives(&mut self) -> bool;
    /// What the processes wrote so far.
    fn log(&self) -> String;
}

#[derive(Clone, Copy, Debug)]
enum BackEnd {
    OneMachine,
    Lambda,
}

/// What a pipeline is started with.
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

/// What an operator runs to have every dead letter answered after all.
const REDRIVE: [&str; 5] = ["dlq", "redrive", "--all", "--yes", "--json"];
const OPERATOR: &str = "operator";

/// Lives through a story with this fault, if any; its gate, and what was wrong at its end.
async fn live(story: &Story, on: BackEnd, fault: Option<(Boundary, Fault)>) -> (Arc<Gate>, Vec<String>) {
    let line = Line::new();
    let model = Model::new(Duration::ZERO, |messages| stories::answer(&see::said(messages.last().unwrap())));
    (story.misbehaves)(&line, &model);
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

/// Lives through a story, and again with each fault that it can meet; the boundaries that there are.
async fn survive(story: &Story, on: BackEnd) -> Vec<String> {
    let (gate, wrong) = live(story, on, None).await;
    assert!(wrong.is_empty(), "without a fault: {}", wrong.join("\n"));
    let is_operated = gate.record().names().iter().any(|name| name.starts_with(OPERATOR));
    assert_eq!(is_operated, story.redrives, "what is redriven is seen");
    let faults = gate.record().faults();
    println!("{} faults at: {}", faults.len(), gate.record().names().join(", "));
    let failures = faults.into_iter().map(async |(boundary, fault)| {
        for _ in 0..TRIES {
            let (gate, wrong) = live(story, on, Some((boundary.clone(), fault))).await;
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

/// A gate that is passed by would find nothing.
fn assert_found(boundaries: &[String], expected: &[&str]) {
    for boundary in expected {
        assert!(boundaries.iter().any(|found| found == boundary), "{boundary} is not in {boundaries:?}");
    }
}

/// Stories that are lived through on both back ends, but for the first one by `tests/long`.
macro_rules! stories {
    ($($name:ident)*) => {
        mod on_one_machine {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn a_question_is_answered() {
                let found = survive(&stories::a_question_is_answered(), BackEnd::OneMachine).await;
                assert_found(&found, &SERVES);
            }

            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "all together take minutes: tests/long"]
            async fn $name() {
                survive(&stories::$name(), BackEnd::OneMachine).await;
            })*
        }

        mod on_lambda {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn a_question_is_answered() {
                let found = survive(&stories::a_question_is_answered(), BackEnd::Lambda).await;
                assert_found(&found, &WORKS);
            }

            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "all together take minutes: tests/long"]
            async fn $name() {
                survive(&stories::$name(), BackEnd::Lambda).await;
            })*
        }
    };
}

stories!(
    a_second_question_is_answered_after_the_first
    a_long_answer_is_said_in_several_pushes
    a_free_reply_carries_the_answer
    a_free_reply_is_followed_by_pushes
    a_redelivery_is_no_second_question
    a_burst_is_answered
    a_refusal_is_told_once
    what_is_taken_back_is_forgotten
    who_leaves_is_forgotten
    who_wishes_so_is_forgotten_and_told
    a_picture_is_looked_at
    a_voice_is_heard
    a_change_of_what_a_group_was_answered_is_silence
    two_people_are_answered_at_once
    a_new_friend_is_greeted
    a_persona_is_chosen
    a_refusal_is_mended_by_a_redrive
    what_line_refuses_is_pushed_after_a_redrive
);

/// What is found at least: commits, the model, LINE.
const SERVES: [&str; 3] =
    ["serve commit #1", "serve POST /v1/chat/completions #1", "serve POST /v2/bot/message/push #1"];
/// The same with secrets, the queue and the table.
const WORKS: [&str; 6] = [
    "ingress GetParameter #1",
    "ingress SendMessageBatch #1",
    "worker GetParameters #1",
    "worker TransactWriteItems #1",
    "worker POST /v1/chat/completions #1",
    "worker POST /v2/bot/message/push #1",
];
