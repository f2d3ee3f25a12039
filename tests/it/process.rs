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

/// `henji serve`, which is killed when it is dropped.
pub struct Serve {
    child: Child,
    pub origin: String,
    log: PathBuf,
    private: Private,
}

impl Serve {
    /// Starts it on `data` and waits until it answers.
    pub async fn start(data: &Path, variables: &[(String, String)]) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = data.with_extension("log");
        let child = Command::new(henji())
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .env_clear()
            .envs(variables.iter().cloned())
            .current_dir(data.parent().unwrap())
            .stderr(std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let origin = format!("http://127.0.0.1:{port}");
        let mut serve = Self { child, origin, log, private: Private::default() };
        let http = worker::adapters::http::client().unwrap();
        for _ in 0..1_000 {
            if http.get(format!("{}/healthz", serve.origin)).send().await.is_ok() {
                return serve;
            }
            assert!(serve.child.try_wait().unwrap().is_none(), "it ended: {}", serve.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not answer: {}", serve.log());
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
