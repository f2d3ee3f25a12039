//! The one SDK configuration of all AWS clients.

use std::{sync::OnceLock, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};

use crate::{
    env::{Env, EnvError},
    roots::Roots,
};

/// The pause before the second try of a call; it is doubled before the third. The SDK's own pause of one second is too
/// long for calls that somebody waits for.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The five root certificates that AWS's own authority asks custom trust stores to hold (Amazon Trust Services,
/// "Repository").
const AMAZON_ROOTS: &str = include_str!("amazon-roots.pem");
/// The prefix of the environment variables that set servers other than AWS's.
const ENDPOINT_VARIABLES: &str = "AWS_ENDPOINT_URL";

/// Returns the SDK's configuration: credentials, region and endpoints from its own variables, TLS by rustls with ring,
/// and `timeout` as the limit of each operation with its retries.
pub async fn sdk_config(env: &Env, timeout: Duration) -> Result<SdkConfig, EnvError> {
    let roots = match env.optional("AWS_PROFILE")? {
        // A profile may name other servers, too.
        Some(_) => Roots::System,
        None => Roots::for_servers(env, &[ENDPOINT_VARIABLES]),
    };
    let mut config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(one_connector(roots))
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(FIRST_PAUSE))
        .timeout_config(TimeoutConfig::builder().operation_timeout(timeout).build())
        // Each operation already has a time-out.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    // Lambda always sets these variables, and the SDK's chains read them first. Building the rest of each provider
    // chain would take a seventh of the start time.
    if env.optional("AWS_ACCESS_KEY_ID")?.is_some() && env.optional("AWS_SECRET_ACCESS_KEY")?.is_some() {
        config = config.credentials_provider(EnvironmentVariableCredentialsProvider::new());
    }
    if let Some(region) = env.optional("AWS_REGION")? {
        config = config.region(Region::new(region.to_owned()));
    }
    Ok(config.load().await)
}

/// Returns a client whose connector is made once. By default, the SDK reads the root certificates again for each
/// service.
#[expect(clippy::expect_used, reason = "building such a context cannot fail")]
fn one_connector(roots: Roots) -> SharedHttpClient {
    let connector = OnceLock::new();
    http_client_fn(move |settings, _| {
        let made = connector.get_or_init(|| {
            let trusted = match roots {
                Roots::Bundled => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
                Roots::System => TrustStore::default(),
            };
            let tls = TlsContext::builder()
                .with_trust_store(trusted)
                .build()
                .expect("a TLS context with only a trust store can always be built");
            let connector = Connector::builder()
                .connector_settings(settings.clone())
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(tls)
                .build();
            SharedHttpConnector::new(connector)
        });
        made.clone()
    })
}
