//! The checks of `henji serve`: its data directory, and the running process.

use std::{path::Path, time::Duration};

use anyhow::{Context, bail};
use reqwest::Url;
use serde_json::Value;
use worker::{adapters::http, clock::wall_clock};

use crate::{commands::dlq::source::Source, deployment::Place, terminal::report::Report};

const TIMEOUT: Duration = Duration::from_secs(5);
const BODY_MAX: usize = 64 << 10;

/// Checks the directory and the process.
pub(super) async fn check(report: &mut Report, data: &Path, url: &Url) {
    let option = format!("--data {}", data.display());
    let letters = async {
        let source = Source::open(&Place::Data(data.to_owned()), wall_clock())?;
        source.total().await
    };
    match letters.await {
        Ok(0) => report.ok("database", "it can be read; no dead letters"),
        Ok(n) => report.note("database", format!("{n} dead letter(s)"), format!("henji dlq list {option}")),
        Err(error) => {
            report.failed("database", &error, format!("start henji serve {option}, or name its --data"));
        }
    }
    let start = format!("start henji serve {option}, or name the address of its --admin by --url");
    report.judge("serve", health(url).await, start);
}

async fn health(url: &Url) -> anyhow::Result<String> {
    let url = url.join("/healthz")?;
    let sent = http::local_client()?.get(url.clone()).timeout(TIMEOUT).send().await;
    let response = match sent {
        Ok(response) => response,
        Err(error) => bail!("{url}: {}", http::no_response(&error)),
    };
    let status = response.status().as_u16();
    let body = http::body(response, BODY_MAX).await?.unwrap_or_default();
    let health: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status == 503 {
        bail!("{url} answers 503: {}", health["error"].as_str().unwrap_or("it does not say why"));
    }
    let count = |name: &str| health[name].as_u64().with_context(|| format!("{url} is not henji's"));
    Ok(format!("it answers; {} queued, {} in flight", count("queued")?, count("in_flight")?))
}
