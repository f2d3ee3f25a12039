//! Both stages in one process: what `henji serve`, `henji dev` and the tests run.

use std::{
    fs::{DirBuilder, File},
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, bail};
use ingress::accept::{BUDGET, Ingress};
use reqwest::Client;
use secrecy::SecretString;
use shared::{env::Env, log, logging::Sampled, secret::Secret, version};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use worker::{
    adapters::{http::client, line::LineClient, openai::ModelClient},
    clients::Clients,
    clock::wall_clock,
    config::Config,
    storage::Storage,
};

use crate::{
    descriptors,
    dispatcher::{self, Dispatcher},
    health::{AT_MOST_EVERY, Health},
    listeners::{
        connections::{self, CONNECTIONS_MAX},
        operator, webhooks,
    },
    private,
    sqlite::{Database, dead_letters::DeadLetters, history::SqliteHistory, queue::SqliteQueue},
};

/// The database's name in the data directory.
pub const DATABASE: &str = "henji.db";
const LOCK: &str = "henji.lock";

/// What one process needs to know.
#[derive(Clone)]
pub struct Settings {
    /// Stage two's settings.
    pub worker: Config,
    /// `LINE_CHANNEL_SECRET`.
    pub channel_secret: SecretString,
    /// `LINE_CHANNEL_ACCESS_TOKEN`.
    pub access_token: SecretString,
    /// `OPEN_AI_API_KEY`.
    pub api_key: SecretString,
    /// `CONCURRENCY`: conversations worked on at once.
    pub concurrency: u32,
    /// How many connections webhooks have.
    pub connections: usize,
    /// `JOB_TIMEOUT_SECONDS`: the longest that one attempt may take.
    pub job_timeout: Duration,
}

impl Settings {
    /// Reads the environment (and `.env`), or names the variable that is wrong.
    pub fn from_env(env: &Env) -> anyhow::Result<Self> {
        Ok(Self {
            channel_secret: env.secret("LINE_CHANNEL_SECRET")?,
            access_token: env.secret("LINE_CHANNEL_ACCESS_TOKEN")?,
            api_key: env.secret("OPEN_AI_API_KEY")?,
            concurrency: env.number("CONCURRENCY", 1000, 1, 100_000)?,
            connections: CONNECTIONS_MAX,
            job_timeout: Duration::from_secs(env.number("JOB_TIMEOUT_SECONDS", 300, 1, 3600)?.into()),
            worker: Config::from_env(env)?,
        })
    }

    /// The same within the open files that this process may have.
    pub fn fitted(self) -> anyhow::Result<Self> {
        let descriptors::Share { concurrency, connections } = descriptors::fit(self.concurrency)?;
        Ok(Self { concurrency, connections, ..self })
    }
}

/// The listeners of a process.
pub struct Listeners {
    /// For webhooks.
    pub webhooks: TcpListener,
    /// For the operator, if anywhere.
    pub admin: Option<TcpListener>,
}

/// A data directory that this process alone works on.
pub struct DataDir {
    database: Database,
    _lock: File,
}

impl DataDir {
    /// Makes, locks and opens it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        // People's conversations are nobody else's to read.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("the data directory {shown} cannot be made"))?;
        let lock = private::lock_file(&path.join(LOCK));
        let lock = lock.with_context(|| format!("{shown}/{LOCK} cannot be written"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                bail!("another henji works on {shown}: stop it, or give this one its own --data")
            }
            Err(error) => return Err(error).with_context(|| format!("{shown}/{LOCK} cannot be locked")),
        }
        let database = Database::open(&path.join(DATABASE))
            .with_context(|| format!("the database {shown}/{DATABASE} cannot be used"))?;
        Ok(Self { database, _lock: lock })
    }
}

/// Runs both stages until `stop`.
pub async fn run(
    settings: Settings,
    http: Client,
    data: DataDir,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let clock = wall_clock();
    let queue = Arc::new(SqliteQueue::new(data.database.clone(), clock.clone()));
    let resumed = queue.recover().await?;
    // Of what the last process deleted before it was killed.
    queue.leaves_no_trace().await;
    let config = settings.worker;
    let ingress = Arc::new(Ingress {
        secret: Secret::fixed(settings.channel_secret),
        queue: queue.clone(),
        budget: BUDGET,
        group_prefix: config.group_prefix.clone(),
        clock: Arc::new({
            let clock = clock.clone();
            move || clock().as_millisecond()
        }),
        refused: Sampled::default(),
    });
    let history = Arc::new(SqliteHistory::new(data.database.clone(), config.history_ttl));
    let dispatcher = Arc::new(Dispatcher {
        queue: queue.clone(),
        letters: DeadLetters::new(data.database.clone(), clock.clone()),
        concurrency: settings.concurrency,
        job_timeout: settings.job_timeout,
        running: Mutex::default(),
        one_by_one: Mutex::default(),
        clients: Clients {
            model: ModelClient::new(&config, http.clone(), Secret::fixed(settings.api_key), clock.clone()),
            line: LineClient::new(&config, http, Secret::fixed(settings.access_token), clock.clone()),
            storage: Storage::new(history, clock, &config),
            config,
        },
    });
    let admin = listeners.admin.as_ref().map(TcpListener::local_addr).transpose()?;
    let admin = admin.map(tracing::field::display);
    let address = listeners.webhooks.local_addr()?;
    log!(info, Serving, %address, admin, version = version::SHOWN.as_str(), resumed, "henji serves");
    // If either half ends, even by a panic, so does the other: a bot that only takes is worse than none.
    let guard = stop.clone().drop_guard();
    let answering = tokio::spawn({
        let stop = stop.clone();
        async move {
            let _guard = guard;
            dispatcher::run(dispatcher, stop).await;
        }
    });
    if let Some(listener) = listeners.admin {
        let health = Health::new(data.database.clone(), queue, AT_MOST_EVERY);
        let router = operator::router(Arc::new(health));
        tokio::spawn(connections::serve(listener, router, operator::CONNECTIONS_MAX, stop.clone()));
    }
    connections::serve(listeners.webhooks, webhooks::router(ingress), settings.connections, stop).await;
    answering.await.context("the dispatcher panicked")?;
    log!(info, Stopped, "henji stopped");
    Ok(())
}

/// Listens for webhooks.
pub async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be listened on"))
}

/// The HTTP client for LINE and the model.
pub fn http_client() -> anyhow::Result<Client> {
    client().context("no HTTPS client can be made (are CA certificates installed?)")
}

/// Says in the log that every question will fail, if the server knows no such model.
pub async fn say_if_model_is_gone(settings: Settings, http: Client) {
    let model = ModelClient::new(&settings.worker, http, Secret::fixed(settings.api_key), wall_clock());
    if model.is_gone().await {
        log!(
            error,
            ModelGone,
            model = settings.worker.model,
            "model_gone: the server does not know GPT_MODEL; set it to a current model, or every question is dead-lettered"
        );
    }
}
