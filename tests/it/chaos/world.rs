//! One machine that runs a schedule: the real `henji serve` with emulators of LINE and the model. An hour takes a
//! minute here: the waits in the queue are shortened by as much.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use emulator::{
    line::{LOADING, Line, PUSH, REPLY, phone::BOT},
    model::{COMPLETIONS, Model},
};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use worker::clock::wall_clock;

use super::{
    chat,
    facts::{self, Facts, Posted},
    schedule::{Schedule, Step},
    settings::settings,
};
use crate::harness::{
    local::{host, variables},
    process::{self, Serve, posts},
};

/// The speed of the schedule relative to a clock.
const SPEED: u32 = 60;
/// The longest time until no job is left, once nothing fails any more.
const DRAINING: Duration = Duration::from_mins(3);
/// The time after which LINE delivers a webhook again that was not taken.
const AGAIN: Duration = Duration::from_millis(200);

/// The data that deliveries of webhooks share with the world.
struct Shared {
    line: Arc<Line>,
    http: reqwest::Client,
    origin: Mutex<String>,
    posted: Mutex<Vec<Posted>>,
    problems: Arc<Mutex<Vec<String>>>,
}

pub struct World {
    shared: Arc<Shared>,
    model: Arc<Model>,
    variables: Vec<(String, String)>,
    folder: TempDir,
    serve: Option<Serve>,
    deliveries: JoinSet<()>,
    /// The time when the queue's waits were last shortened.
    passed: Instant,
}

impl World {
    pub async fn new(schedule: &Schedule) -> Self {
        let line = Line::new();
        let problems: Arc<Mutex<Vec<String>>> = Arc::default();
        let model = chat::model(problems.clone());
        let mut variables =
            variables(&host(line.clone().router()).await, &host(model.clone().router()).await);
        variables.extend(settings(schedule));
        variables.push(("JOB_TIMEOUT_SECONDS".to_owned(), "4".to_owned()));
        let events = chat::webhook_events(&line, &schedule.events, wall_clock()());
        let shared = Arc::new(Shared {
            line,
            http: worker::adapters::http::client().unwrap(),
            origin: Mutex::default(),
            posted: Mutex::new(events.into_iter().map(Posted::new).collect()),
            problems,
        });
        let folder = TempDir::new().unwrap();
        let mut world = Self {
            shared,
            model,
            variables,
            folder,
            serve: None,
            deliveries: JoinSet::new(),
            passed: Instant::now(),
        };
        world.starts().await;
        world
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn starts(&mut self) {
        let serve = Serve::start(&self.data(), &self.variables).await;
        self.shared.origin.lock().unwrap().clone_from(&serve.origin);
        self.serve = Some(serve);
    }

    /// Runs the schedule, until no job is left and nothing fails any more.
    pub async fn lives_through(&mut self, schedule: &Schedule) {
        let began = Instant::now();
        for (at, step) in &schedule.steps {
            let at = began + Duration::from_millis(*at) / SPEED;
            while Instant::now() < at {
                sleep(Duration::from_millis(100).min(at - Instant::now())).await;
                self.time_passes();
            }
            self.does(step).await;
        }
        while let Some(delivered) = self.deliveries.join_next().await {
            delivered.unwrap();
        }
        for path in [COMPLETIONS, PUSH, REPLY, LOADING] {
            self.faults(path).set_fault(path, None, false);
        }
        self.drains().await;
    }

    async fn does(&mut self, step: &Step) {
        match step {
            Step::Delivers(events) => self.delivers(events),
            Step::Fails(path, fault) => self.faults(path).plan_next(path, fault.clone()),
            Step::Breaks(path, fault) => self.faults(path).set_fault(path, Some(fault), false),
            Step::Mends(path) => self.faults(path).set_fault(path, None, false),
            Step::Kills => {
                self.serve.take().unwrap().kill();
                self.starts().await;
            }
        }
    }

    fn faults(&self, path: &str) -> &emulator::faults::FaultPlan {
        if path == COMPLETIONS { &self.model.faults } else { &self.shared.line.faults }
    }

    /// Delivers these events again and again until they are taken.
    fn delivers(&mut self, events: &[usize]) {
        let (shared, events) = (self.shared.clone(), events.to_vec());
        self.deliveries.spawn(async move {
            let webhook = {
                let mut posted = shared.posted.lock().unwrap();
                let now = Instant::now();
                for &event in &events {
                    posted[event].is_delivered(now);
                }
                let events: Vec<&Value> = events.iter().map(|&event| &posted[event].webhook).collect();
                json!({ "destination": BOT, "events": events })
            };
            loop {
                shared.line.sends(&webhook, Instant::now());
                let origin = shared.origin.lock().unwrap().clone();
                match posts(&shared.http, &origin, &webhook.to_string()).await {
                    Some(200) => break,
                    None | Some(503) => sleep(AGAIN).await,
                    Some(other) => panic!("a webhook got a {other}"),
                }
            }
            let (mut posted, now) = (shared.posted.lock().unwrap(), Instant::now());
            for &event in &events {
                posted[event].accepted.get_or_insert(now);
            }
        });
    }

    /// Shortens the waits in the queue by as much as the schedule ran faster than a clock.
    fn time_passes(&mut self) {
        if self.passed.elapsed() >= Duration::from_millis(250) {
            let faster = self.passed.elapsed() * (SPEED - 1);
            self.passed = Instant::now();
            self.jumps(faster);
        }
    }

    fn jumps(&self, by: Duration) {
        let (by, now) = (i64::try_from(by.as_millis()).unwrap(), wall_clock()().as_millisecond());
        let jump = "UPDATE jobs SET visible_at = visible_at - ?1 WHERE state = 1 AND visible_at > ?2";
        self.database().execute(jump, [by, now]).unwrap();
    }

    fn database(&self) -> Connection {
        let database = Connection::open(self.data().join("henji.db")).unwrap();
        database.busy_timeout(Duration::from_secs(30)).unwrap();
        database
    }

    /// Waits until no job is left.
    async fn drains(&self) {
        let until = Instant::now() + DRAINING;
        let mut left = vec![String::new()];
        while !left.is_empty() {
            sleep(Duration::from_millis(100)).await;
            self.jumps(Duration::from_mins(10));
            left = self.rows("SELECT event_id FROM jobs", |row| row.get(0));
            assert!(Instant::now() < until, "these jobs do not end: {left:?}");
        }
    }

    fn rows<T>(&self, sql: &str, read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let database = self.database();
        let mut rows = database.prepare(sql).unwrap();
        rows.query_map([], |row| read(row)).unwrap().map(Result::unwrap).collect()
    }

    /// Redrives every dead letter with the command.
    pub async fn redrives(&self) {
        let output = self.runs(&["dlq", "redrive", "--all", "--yes", "--json"]);
        let sum: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(sum["failed"], 0, "{}", String::from_utf8_lossy(&output.stderr));
        self.drains().await;
    }

    fn runs(&self, args: &[&str]) -> std::process::Output {
        let data = self.data();
        process::run(&[args, &["--data", data.to_str().unwrap()]].concat())
    }

    /// Returns everything that is visible from outside, and the database.
    pub fn facts(&self) -> Facts {
        let letters = self.runs(&["dlq", "list", "--json"]);
        let letters: Vec<Value> = serde_json::from_slice(&letters.stdout).unwrap();
        let stage = "SELECT event_id, stage, gave_up IS NOT NULL FROM turns";
        let merged = "SELECT event_id, answered_by FROM messages WHERE answered_by IS NOT NULL";
        Facts {
            posted: self.shared.posted.lock().unwrap().clone(),
            sent: self.shared.line.sent(),
            tried: facts::tried(&self.shared.line.faults),
            letters: facts::letters(&letters),
            turns: self
                .rows(stage, |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))
                .into_iter()
                .collect(),
            rows: self.rows("SELECT conversation, role, content FROM messages", |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            }),
            merged: self.rows(merged, |row| Ok((row.get(0)?, row.get(1)?))).into_iter().collect(),
            outgrown: HashSet::new(),
            problems: self.shared.problems.lock().unwrap().clone(),
        }
    }

    /// Stops the process and asserts that it ends as it should.
    pub fn ends(mut self) {
        assert_eq!(self.serve.take().unwrap().terminate(), 0);
    }
}
