//! A bot as a process: the real `henji` program, killed and started again.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use cli::standin::line::webhook::PATIENCE;

use crate::{
    bot::{PATH, SECRET},
    secrecy::Private,
};

/// The program beside this test's own, which `tests/all` builds first.
pub fn henji() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let path = exe.parent().and_then(Path::parent).unwrap().join("henji");
    assert!(
        path.is_file(),
        "{} is not there: run tests/all, or cargo build --workspace --bins",
        path.display()
    );
    path
}

/// Runs `henji` with these arguments to its end.
pub fn run(args: &[&str]) -> Output {
    Command::new(henji()).args(args).env_clear().stdin(Stdio::null()).output().unwrap()
}

/// Posts a body as LINE does, to whoever listens there; `None` if there was no answer.
pub async fn posts(http: &reqwest::Client, origin: &str, body: &str) -> Option<u16> {
    let signature = ingress::signature::sign(&SECRET.into(), body.as_bytes());
    let request = http.post(format!("{origin}{PATH}")).header("x-line-signature", signature);
    let response = request.timeout(PATIENCE).body(body.to_owned()).send().await.ok()?;
    Some(response.status().as_u16())
}

/// What a process's status says of its memory, in KiB: `VmRSS` what it holds now, `VmHWM` the most it ever held.
pub fn memory_kib(pid: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
    value.trim().trim_end_matches(" kB").parse().unwrap()
}

/// `henji serve`, which is killed when it is dropped.
pub struct Serve {
    child: Child,
    pub origin: String,
    log: PathBuf,
    private: Private,
    /// How much of the log is of those before it.
    old_log: usize,
}

impl Serve {
    /// Starts it on `data` and waits until it answers.
    pub async fn start(data: &Path, variables: &[(String, String)]) -> Self {
        let mut serve = Self::launch(data, variables);
        assert!(serve.answers().await, "it ended: {}", serve.log());
        serve
    }

    /// Starts it on `data`.
    pub fn launch(data: &Path, variables: &[(String, String)]) -> Self {
        let log = data.with_extension("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let old_log = std::fs::read_to_string(&log).unwrap().len();
        let child = Command::new(henji())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env_clear()
            .envs(variables.iter().cloned())
            .current_dir(data.parent().unwrap())
            .stderr(file)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, origin: String::new(), log, old_log, private: Private::default() }
    }

    /// Waits until it answers; false if it ended instead.
    pub async fn answers(&mut self) -> bool {
        let http = worker::adapters::http::client().unwrap();
        for _ in 0..1_000 {
            if let Some(address) = self.address() {
                self.origin = format!("http://{address}");
                if http.get(format!("{}/healthz", self.origin)).send().await.is_ok() {
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

    /// Where it listens, as it says itself.
    fn address(&self) -> Option<String> {
        let log = self.log();
        let line = log[self.old_log..].lines().find(|line| line.contains("henji serves"))?;
        Some(line.split_once(r#""address":""#)?.1.split_once('"')?.0.to_owned())
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Posts a body as LINE does; `None` if there was no answer.
    pub async fn posts(&self, http: &reqwest::Client, body: &str) -> Option<u16> {
        self.private.notes_text(&ingress::signature::sign(&SECRET.into(), body.as_bytes()));
        self.private.notes(&serde_json::from_str(body).unwrap_or_default());
        posts(http, &self.origin, body).await
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; its exit code.
    pub fn terminate(mut self) -> i32 {
        let sent = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code().expect("it was not killed")
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
