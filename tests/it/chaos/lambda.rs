//! The functions on Lambda that run a schedule. A proxy between them and AWS throttles the table, withholds answers
//! and lets the index lag; and the queue delivers some jobs twice.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::{
    faults::Fault,
    line::{LOADING, PUSH, REPLY, phone::BOT},
    model::{COMPLETIONS, Model},
};
use fastrand::Rng;
use ingress::webhook::{Verdict, parse};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use worker::clock::wall_clock;

use super::{
    chat,
    facts::{self, Facts, Posted},
    schedule::{Schedule, Step},
    settings::settings,
};
use crate::harness::{
    lambda::{
        aws_proxy::{AwsProxy, Treatment, error},
        bot::{Bot, host, payload_2},
        cloud::Row,
    },
    operator::Operator,
};

/// The speed of the schedule relative to a clock. Waits in the queue take real time.
const SPEED: u32 = 60;
/// The number of turns that the head row of a conversation names: the newest.
const NAMED: usize = 20;
/// The longest time until no job is left: some wait for minutes.
const DRAINING: Duration = Duration::from_mins(8);

pub struct Functions {
    bot: Bot,
    model: Arc<Model>,
    table: Arc<AwsProxy>,
    posted: Vec<Posted>,
    problems: Arc<Mutex<Vec<String>>>,
    /// The number of jobs that the queue delivered twice.
    twice: usize,
}

impl Functions {
    pub async fn new(schedule: &Schedule) -> Self {
        let rng = Mutex::new(Rng::with_seed(schedule.seed));
        let table = AwsProxy::start(move |call, _| play(call, rng.lock().unwrap().u16(..1_000))).await;
        let problems: Arc<Mutex<Vec<String>>> = Arc::default();
        let model = chat::model(problems.clone());
        let model_url = host(model.clone().router()).await + "/v1";
        let mut variables = settings(schedule);
        variables.extend([
            ("OPENAI_BASE_URL".to_owned(), model_url),
            ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), table.url.clone()),
            ("LEASE_SECONDS".to_owned(), "3".to_owned()),
        ]);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        let bot = Bot::with(&variables).await;
        let events = chat::webhook_events(&bot.line, &schedule.events, wall_clock()());
        let posted = events.into_iter().map(Posted::new).collect();
        Self { bot, model, table: Arc::new(table), posted, problems, twice: 0 }
    }

    /// Runs the schedule, until no job is left and nothing fails any more.
    pub async fn lives_through(&mut self, schedule: &Schedule) {
        let began = Instant::now();
        for (at, step) in &schedule.steps {
            sleep((began + Duration::from_millis(*at) / SPEED).saturating_duration_since(Instant::now()))
                .await;
            match step {
                Step::Delivers(events) => self.delivers(events).await,
                // An invocation lasts a minute: a hanging request would hold up the schedule.
                Step::Fails(_, Fault::Hang) | Step::Breaks(_, Fault::Hang) => {}
                Step::Fails(path, fault) => self.faults(path).plan_next(path, fault.clone()),
                Step::Breaks(path, fault) => self.faults(path).set_fault(path, Some(fault), false),
                Step::Mends(path) => self.faults(path).set_fault(path, None, false),
                Step::Kills => self.bot.worker_is_killed().await,
            }
        }
        for path in [COMPLETIONS, PUSH, REPLY, LOADING] {
            self.faults(path).set_fault(path, None, false);
        }
        self.drains().await;
    }

    fn faults(&self, path: &str) -> &emulator::faults::FaultPlan {
        if path == COMPLETIONS { &self.model.faults } else { &self.bot.line.faults }
    }

    /// Delivers these events until they are taken. For a redelivery the queue delivers the jobs again, too.
    async fn delivers(&mut self, events: &[usize]) {
        let (now, is_again) = (Instant::now(), self.posted[events[0]].accepted.is_some());
        for &event in events {
            self.posted[event].is_delivered(now);
        }
        let webhooks: Vec<&Value> = events.iter().map(|&event| &self.posted[event].webhook).collect();
        let body = json!({ "destination": BOT, "events": webhooks }).to_string();
        while self.bot.status(payload_2(&body)).await != 200 {
            sleep(Duration::from_millis(200)).await;
        }
        let now = Instant::now();
        for &event in events {
            self.posted[event].accepted.get_or_insert(now);
        }
        let verdicts = parse(body.as_bytes(), None, wall_clock()().as_millisecond()).unwrap();
        for verdict in verdicts.into_iter().filter(|_| is_again) {
            if let Verdict::Job(job) = verdict {
                self.twice += 1;
                let other = format!("{}-{}", job.event_id, self.twice);
                self.bot.is_sent(&job.encode(), &job.group(), &other).await;
            }
        }
    }

    async fn drains(&self) {
        let until = Instant::now() + DRAINING;
        while self.bot.cloud.depth(&self.bot.cloud.queue_url).await > 0 {
            assert!(Instant::now() < until, "jobs are left over");
            sleep(Duration::from_millis(200)).await;
        }
    }

    pub async fn redrives(&self) {
        let operator = Operator::of(&self.bot.cloud, &[]);
        let ended = operator.runs(&["dlq", "redrive", "--all", "--yes", "--json"]).await;
        let sum: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(sum["failed"], 0, "{}", ended.err);
        self.drains().await;
    }

    /// Returns everything that is visible from outside, and the table.
    pub async fn facts(&self) -> Facts {
        let letters = Operator::of(&self.bot.cloud, &[]).lists(&[]).await;
        let rows = self.bot.cloud.rows().await;
        let of = |row: &Row, name: &str| Some(row.get(name)?.as_s().ok()?.clone());
        let turn = |row: &Row| {
            let event = of(row, "id")?.strip_prefix("turn#")?.to_owned();
            let stage = match of(row, "stage").as_deref() {
                Some("stored") => 1,
                Some("delivered") => 2,
                Some("forgotten") => 3,
                _ => 0,
            };
            Some((event, (stage, row.keys().any(|name| name.starts_with("gaveUp")))))
        };
        let message =
            |row| Some((of(row, "lineUserId")?, of(row, "role")?, of(row, "content").unwrap_or_default()));
        let heads: Vec<(String, &[AttributeValue])> = rows.iter().filter_map(head).collect();
        let turns_named = heads.iter().flat_map(|(_, turns)| *turns).filter_map(|turn| turn.as_m().ok());
        Facts {
            posted: self.posted.clone(),
            sent: self.bot.line.sent(),
            tried: facts::tried(&self.bot.line.faults),
            letters: facts::letters(&letters),
            turns: rows.iter().filter_map(turn).collect(),
            rows: rows.iter().filter_map(message).collect(),
            merged: turns_named
                .filter_map(|turn| Some((of(turn, "event")?, of(turn, "answeredBy")?)))
                .collect(),
            outgrown: heads
                .iter()
                .filter(|(_, turns)| turns.len() >= NAMED)
                .map(|(of, _)| of.clone())
                .collect(),
            problems: self.problems.lock().unwrap().clone(),
        }
    }

    /// Returns the number of queries and of jobs that came twice, for the record.
    pub fn summary(&self) -> String {
        let queries = self.table.calls("Query");
        format!("{queries} queries of the index, {} jobs came twice from the queue", self.twice)
    }
}

/// Returns the conversation of a head row, and the turns that it names.
fn head(row: &Row) -> Option<(String, &[AttributeValue])> {
    let conversation = row["id"].as_s().ok()?.strip_prefix("head#")?.to_owned();
    Some((conversation, row.get("turns")?.as_l().ok()?))
}

/// Returns the treatment of a call to the table; `drawn` is below a thousand.
fn play(call: &str, drawn: u16) -> Treatment {
    match drawn {
        0..30 => error(400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"),
        30..35 => error(500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
        35..40 => Treatment::Lose,
        // The index shows nothing yet.
        40..240 if call == "Query" => {
            Treatment::Answer(200, json!({ "Items": [], "Count": 0, "ScannedCount": 0 }))
        }
        _ => Treatment::Forward,
    }
}
