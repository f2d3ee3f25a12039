//! Both stages in one process, as `henji serve`, `henji dev` and the tests run them.

use std::{
    fs::{self, DirBuilder, File},
    io::ErrorKind,
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
use shared::{
    env::{Env, EnvError},
    event::log,
    logging::LimitedLog,
    secret::Secret,
    version,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use worker::{
    adapters::{http::client, line::LineClient, openai::ModelClient},
    clients::Clients,
    clock::wall_clock,
    config::Config,
    storage::Storage,
    turn::fallback::warn_if_too_short,
};

use crate::{
    descriptors,
    dispatcher::{self, Dispatcher},
    health::{Health, REPORT_REUSE_MAX},
    listeners::{
        connections::{self, CONNECTIONS_MAX},
        operator, webhooks,
    },
    private,
    sqlite::{Database, dead_letters::DeadLetters, history::SqliteHistory, queue::SqliteQueue},
};

/// The database's name in the data directory.
pub const DATABASE: &str = "henji.db";
/// The name of the operator's instruction in the data directory.
pub const PROMPT_FILE: &str = "prompt.md";
const LOCK: &str = "henji.lock";

/// The settings of one process.
#[derive(Clone)]
pub struct Settings {
    /// The settings of stage two.
    pub worker: Config,
    /// The secret of the channel, `LINE_CHANNEL_SECRET`.
    pub channel_secret: SecretString,
    /// The access token of the channel, `LINE_CHANNEL_ACCESS_TOKEN`.
    pub access_token: SecretString,
    /// The key of the model's server, `OPEN_AI_API_KEY`.
    pub api_key: SecretString,
    /// The number of conversations that are worked on at once, `CONCURRENCY`.
    pub concurrency: u32,
    /// The number of connections for webhooks.
    pub connections: usize,
    /// The longest that one attempt may take, `JOB_TIMEOUT_SECONDS`.
    pub job_timeout: Duration,
}

impl Settings {
    /// Reads the environment (and `.env`), and `prompt.md` in the data directory if no variable gives an instruction.
    pub fn read(env: &Env, data: &Path) -> anyhow::Result<Self> {
        const FILE: &str = "SYSTEM_PROMPT_FILE";
        let path = data.join(PROMPT_FILE);
        let is_set = env.optional("SYSTEM_PROMPT")?.is_some() || env.optional(FILE)?.is_some();
        if is_set || fs::metadata(&path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Self::from_env(env);
        }
        let shown = path.display();
        let name = path.to_str().with_context(|| format!("{shown} is not Unicode"))?.to_owned();
        let env = Env::of([(FILE.to_owned(), name)]).or(env.clone());
        let of_file = |error: anyhow::Error| match error.downcast_ref() {
            Some(EnvError::Unreadable { name, .. }) if name == FILE => {
                error.context(format!("{shown} cannot be the instruction"))
            }
            _ => error,
        };
        Self::from_env(&env).map_err(of_file)
    }

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

    /// Lowers the numbers of conversations and connections to what the limit of open files allows.
    pub fn fitted(self) -> anyhow::Result<Self> {
        let descriptors::Share { concurrency, connections } = descriptors::fit(self.concurrency)?;
        Ok(Self { concurrency, connections, ..self })
    }
}

/// The listeners of a process.
pub struct Listeners {
    /// The listener for webhooks.
    pub webhooks: TcpListener,
    /// The listener for the operator, if there is one.
    pub admin: Option<TcpListener>,
}

/// A data directory on which only this process works.
pub struct DataDir {
    database: Database,
    _lock: File,
}

impl DataDir {
    /// Creates, locks and opens the directory.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        // Only the owner may read people's conversations.
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
    // This removes the remains, in the write-ahead log, of rows that the last process deleted before it was killed.
    queue.truncate_log_soon().await;
    let config = settings.worker;
    config.warn_of_ends(clock());
    warn_if_too_short(&config, settings.job_timeout);
    let ingress = Arc::new(Ingress {
        secret: Secret::fixed(settings.channel_secret),
        queue: queue.clone(),
        budget: BUDGET,
        group_prefix: config.group_prefix.clone(),
        clock: Arc::new({
            let clock = clock.clone();
            move || clock().as_millisecond()
        }),
        refused: LimitedLog::default(),
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
            model: ModelClient::new(&config, &http, Secret::fixed(settings.api_key), &clock),
            line: LineClient::new(&config, http, Secret::fixed(settings.access_token), clock.clone()),
            storage: Storage::new(history, clock, &config),
            config,
        },
    });
    let admin = listeners.admin.as_ref().map(TcpListener::local_addr).transpose()?;
    let admin = admin.map(tracing::field::display);
    let address = listeners.webhooks.local_addr()?;
    log!(info, Serving, %address, admin, version = version::DISPLAY_VERSION.as_str(), resumed, "henji serves");
    // If one half ends, even by a panic, the other ends too: a bot that only takes webhooks is worse than none.
    let guard = stop.clone().drop_guard();
    let answering = tokio::spawn({
        let stop = stop.clone();
        async move {
            let _guard = guard;
            dispatcher::run(dispatcher, stop).await;
        }
    });
    if let Some(listener) = listeners.admin {
        let health = Health::new(data.database.clone(), queue, REPORT_REUSE_MAX);
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

/// Makes the HTTP client for LINE and the model.
pub fn http_client() -> anyhow::Result<Client> {
    client().context("no HTTPS client can be made (are CA certificates installed?)")
}

/// Logs an error if the server does not know the model, because every question will then fail.
pub async fn say_if_model_is_gone(settings: Settings, http: Client) {
    let model = ModelClient::new(&settings.worker, &http, Secret::fixed(settings.api_key), &wall_clock());
    if model.is_gone().await {
        log!(
            error,
            ModelGone,
            model = settings.worker.model.name,
            "model_gone: the server does not know GPT_MODEL; set it to a current model, or every question is dead-lettered"
        );
    }
}
