//! The release program under test, and its emulators.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use emulator::{line::Line, model::Model};

use crate::accept::SECRET;

/// `henji serve`, which is killed when this value is dropped.
pub(crate) struct Serve {
    pub(crate) child: Child,
    command: Command,
    pub(crate) address: SocketAddr,
    pub(crate) line: Arc<Line>,
    pub(crate) model: Arc<Model>,
}

impl Serve {
    /// Starts it by `command` on `data`, with a model that thinks for `think`.
    pub(crate) async fn start(
        mut command: Command,
        data: &Path,
        think: Duration,
        concurrency: usize,
    ) -> Self {
        let line = Line::new();
        let model = Model::new(think, |_| "an answer".to_owned());
        let (line_url, model_url) = (host(line.clone().router()).await, host(model.clone().router()).await);
        let address = free_address();
        command
            .args(["serve", "--listen", &address.to_string(), "--admin", "off", "--data"])
            .arg(data)
            .env("LINE_CHANNEL_SECRET", SECRET)
            .env("LINE_CHANNEL_ACCESS_TOKEN", "token")
            .env("OPEN_AI_API_KEY", "key")
            .env("LINE_API_BASE_URL", line_url)
            .env("OPENAI_BASE_URL", format!("{model_url}/v1"))
            .env("CONCURRENCY", concurrency.to_string())
            .stderr(Stdio::null());
        let child = command.spawn().expect("tests/bench/run builds henji");
        let serve = Self { child, command, address, line, model };
        serve.listens().await;
        serve
    }

    async fn listens(&self) {
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends SIGKILL, and starts it again on the same data.
    pub(crate) async fn is_killed(&mut self) {
        self.child.kill().expect("it lives");
        self.child.wait().expect("it ends");
        self.child = self.command.spawn().expect("it starts again");
        self.listens().await;
    }

    /// Returns its peak memory, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        peak_mib(self.child.id())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a command for a release program with an empty environment. The program is beside this one or, if this one is
/// a debug build, in the folder beside.
pub(crate) fn program(name: &str) -> Command {
    let own = std::env::current_exe().expect("this program has a path");
    let profiles = own.parent().and_then(Path::parent).expect("cargo put it into a profile's folder");
    let mut command = Command::new(profiles.join("release").join(name));
    command.env_clear();
    command
}

/// Returns the peak memory of a process, in MiB.
pub(crate) fn peak_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().split(' ').next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has an address")
}

/// Serves an emulator and returns its address.
pub(crate) async fn host(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("it has an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}
