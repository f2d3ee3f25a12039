//! A bot as a process: the real `henji` program, killed and started again.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use emulator::line::webhook::PATIENCE;
use serde_json::Value;

use crate::harness::{
    local::{PATH, SECRET},
    log_lines::{Kind, lines_of},
    secrecy::Private,
};

/// Returns the path of a program beside this test's own, which `tests/all` builds first.
pub fn program(name: &str) -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let path = exe.parent().and_then(Path::parent).unwrap().join(name);
    assert!(
        path.is_file(),
        "{} is not there: run tests/all, or cargo build --workspace --bins",
        path.display()
    );
    path
}

pub fn henji() -> PathBuf {
    program("henji")
}

/// Runs `henji` with these arguments to its end.
pub fn run(args: &[&str]) -> Output {
    Command::new(henji()).args(args).env_clear().stdin(Stdio::null()).output().unwrap()
}

/// Posts a body as LINE does, and returns the status; `None` if there was no answer.
pub async fn posts(http: &reqwest::Client, origin: &str, body: &str) -> Option<u16> {
    let signature = ingress::signature::sign(&SECRET.into(), body.as_bytes());
    let request = http.post(format!("{origin}{PATH}")).header("x-line-signature", signature);
    let response = request.timeout(PATIENCE).body(body.to_owned()).send().await.ok()?;
    Some(response.status().as_u16())
}

/// Returns a memory value of a process in KiB: `VmRSS` is its memory now, `VmHWM` its peak.
pub fn memory_kib(pid: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
    value.trim().trim_end_matches(" kB").parse().unwrap()
}

/// `henji serve`, which is killed when it is dropped.
pub struct Serve {
    child: Child,
    /// The address for LINE.
    pub origin: String,
    /// The address for the operator.
    pub admin: String,
    log: PathBuf,
    private: Private,
    /// The length of the log of earlier processes.
    old_log: usize,
}

impl Serve {
    /// Starts it on `data` and waits until it answers.
    pub async fn start(data: &Path, variables: &[(String, String)]) -> Self {
        let mut serve = Self::launch(data, variables);
        assert!(serve.answers().await, "it ended: {}", serve.log());
        serve
    }

    /// Starts it on `data` without a wait.
    pub fn launch(data: &Path, variables: &[(String, String)]) -> Self {
        Self::launch_by(Command::new(henji()), ":0", data, variables)
    }

    /// Starts it with a shell script that ends with `exec "$0" "$@"`.
    pub async fn start_by(script: &str, data: &Path, variables: &[(String, String)]) -> Self {
        let mut shell = Command::new("bash");
        shell.args(["-c", script]).arg(henji());
        let mut serve = Self::launch_by(shell, ":0", data, variables);
        assert!(serve.answers().await, "it ended: {}", serve.log());
        serve
    }

    /// Starts it with a command that runs `henji` with the given arguments, among them this `--admin`.
    pub fn launch_by(mut command: Command, admin: &str, data: &Path, variables: &[(String, String)]) -> Self {
        let log = data.with_extension("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let old_log = std::fs::read_to_string(&log).unwrap().len();
        let child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin", admin, "--data"])
            .arg(data)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(variables.iter().cloned())
            .current_dir(data.parent().unwrap())
            .stderr(file)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let (origin, admin) = Default::default();
        Self { child, origin, admin, log, old_log, private: Private::default() }
    }

    /// Waits until it answers; returns false if it ended instead.
    pub async fn answers(&mut self) -> bool {
        let http = worker::adapters::http::client().unwrap();
        for _ in 0..1_000 {
            if let Some([origin, admin]) = self.origins() {
                (self.origin, self.admin) = (origin, admin);
                if http.get(&self.origin).send().await.is_ok() {
                    return true;
                }
            }
            if !self.is_running() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not answer: {}", self.log());
    }

    /// Returns its addresses from its log.
    fn origins(&self) -> Option<[String; 2]> {
        let log = self.log();
        let line = lines_of(&log[self.old_log..], Kind::Serving).into_iter().next()?;
        // Without an operator's listener the second address is useless.
        Some(["address", "admin"].map(|field| format!("http://{}", line[field].as_str().unwrap_or_default())))
    }

    /// Returns the page of the operator's listener at a path, and its status.
    pub async fn shows(&self, path: &str) -> (u16, String) {
        let http = worker::adapters::http::client().unwrap();
        let response = http.get(format!("{}{path}", self.admin)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Returns the status and body of `/healthz`.
    pub async fn health(&self) -> (u16, Value) {
        let (status, body) = self.shows("/healthz").await;
        (status, serde_json::from_str(&body).unwrap())
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Returns the log from this place, once it has a line of this kind: a separate thread writes it.
    pub async fn logged(&self, from: usize, kind: Kind) -> String {
        for _ in 0..1_000 {
            let log = self.log()[from..].to_owned();
            if !lines_of(&log, kind).is_empty() {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{kind:?} is not logged: {}", self.log());
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Posts a body as LINE does, and returns the status; `None` if there was no answer.
    pub async fn posts(&self, http: &reqwest::Client, body: &str) -> Option<u16> {
        self.private.notes_text(&ingress::signature::sign(&SECRET.into(), body.as_bytes()));
        self.private.notes(&serde_json::from_str(body).unwrap_or_default());
        posts(http, &self.origin, body).await
    }

    /// Sends SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and returns the exit code.
    pub fn terminate(self) -> i32 {
        self.ends_by("TERM")
    }

    /// Sends this signal and returns the exit code.
    pub fn ends_by(mut self, signal: &str) -> i32 {
        self.is_sent(signal);
        self.child.wait().unwrap().code().expect("it was not killed")
    }

    pub fn is_sent(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            self.private.is_not_in(&self.log(), "henji serve");
        }
    }
}
