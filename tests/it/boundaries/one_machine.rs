//! `henji serve` behind the gate: its requests pass it as a proxy, and `commits.c` reports its commits.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use super::{OPERATOR, Pipeline, REDRIVE, Stage, gate::Gate, store::Store};
use crate::harness::{
    local::variables,
    process::{Serve, henji},
};

pub struct OneMachine {
    // The first field, so that the process ends before the folder with its log is deleted.
    serve: Option<Serve>,
    folder: TempDir,
    gate: Arc<Gate>,
    store: Store,
    variables: Vec<(String, String)>,
    http: Client,
}

impl OneMachine {
    pub async fn start(stage: &Stage) -> (Arc<Gate>, Store, Box<dyn Pipeline>) {
        let folder = TempDir::new().unwrap();
        let store = Store::OneMachine(folder.path().join("data"));
        let gate = Gate::new(store.clone(), stage.fault.clone());
        let line = gate.before("serve", stage.line_url.clone()).await;
        let model = gate.before("serve", stage.model_url.clone()).await;
        let mut variables = [variables(&line, &model), stage.variables()].concat();
        variables.extend(tells_of_commits(&gate, "serve").await);
        let http = worker::adapters::http::client().unwrap();
        (gate.clone(), store.clone(), Box::new(Self { serve: None, folder, gate, store, variables, http }))
    }

    /// Returns the process; starts a new one if there is none.
    async fn serve(&mut self) -> &mut Serve {
        while !self.serve.as_mut().is_some_and(Serve::is_running) {
            let mut serve = Serve::launch(&self.folder.path().join("data"), &self.variables);
            self.gate.knows("serve", serve.pid());
            self.serve = serve.answers().await.then_some(serve);
        }
        self.serve.as_mut().unwrap()
    }
}

#[async_trait]
impl Pipeline for OneMachine {
    async fn takes(&mut self, webhook: &Value) -> bool {
        let http = self.http.clone();
        self.serve().await.posts(&http, &webhook.to_string()).await == Some(200)
    }

    async fn works(&mut self) -> bool {
        self.serve().await;
        sleep(Duration::from_millis(20)).await;
        // A read of /healthz would be wrong here, because it makes a commit of its own.
        self.store.jobs() == 0
    }

    async fn redrives(&mut self) -> bool {
        let mut redrive = tokio::process::Command::new(henji());
        redrive.args(REDRIVE).arg("--data").arg(self.folder.path().join("data")).env_clear();
        redrive.envs(tells_of_commits(&self.gate, OPERATOR).await);
        self.gate.runs(OPERATOR, &mut redrive).await
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("data.log")).unwrap_or_default()
    }
}

/// Returns the variables with which a process reports its commits to the gate.
async fn tells_of_commits(gate: &Arc<Gate>, process: &'static str) -> [(String, String); 2] {
    let origin = gate.at_commits(process).await;
    [("LD_PRELOAD", commits_so().to_str().unwrap()), ("GATE_PORT", origin.rsplit(':').next().unwrap())]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// Compiles the library that the process loads, once.
fn commits_so() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/it/boundaries/commits.c");
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("commits.so");
        let mut cc = Command::new("cc");
        let cc = cc.args(["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&made).arg(source);
        assert!(cc.status().unwrap().success());
        made
    })
}
