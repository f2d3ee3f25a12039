//! The address of the model, and the form of its requests: OpenAI's form, which other servers share, and the two forms
//! of Azure OpenAI ("Azure OpenAI in Microsoft Foundry Models REST API reference", "v1 API").
//!
//! Azure names a deployment of the customer instead of a model. In Azure's older form the deployment is in the path,
//! and the query of the base URL follows each path. In the newer form (`/openai/v1`) it is the request's `model`.
//! Azure's key has a header of its own.

use reqwest::{
    Client, RequestBuilder, Url,
    header::{HeaderMap, HeaderValue},
    multipart,
};
use secrecy::{ExposeSecret, SecretString};
use shared::env::{Env, EnvError, invalid};

use crate::adapters::http::below;

/// The environment variable of the base URL.
const NAME: &str = "OPENAI_BASE_URL";
/// The domains of Azure's models: the public one, that of the United States' government, and that of China.
const AZURE: [&str; 3] = [".azure.com", ".azure.us", ".azure.cn"];
/// The part of Azure's older form before the deployment's name.
const DEPLOYMENTS: &str = "/openai/deployments/";

/// A chat-completions server.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The URL before each path, without its last slash, for people to read.
    base: String,
    /// The same URL, with the query that follows each path.
    url: Url,
    form: Form,
    is_openai: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    OpenAi,
    /// Azure's newer form.
    AzureV1,
    /// Azure's older form, in which this deployment answers.
    Deployment(String),
}

impl Endpoint {
    /// Reads the endpoint from `OPENAI_BASE_URL`, in any form that the provider's pages show.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let url = env.base_url(NAME, "https://api.openai.com/v1")?;
        Self::of(url).ok_or_else(|| {
            invalid(
                NAME,
                "a deployment on Azure is named with its version: …/openai/deployments/NAME?api-version=…",
            )
        })
    }

    /// Returns the endpoint at a URL; `None` if Azure's older form has no version.
    fn of(mut url: Url) -> Option<Self> {
        let query = url.query().map(str::to_owned);
        url.set_query(None);
        url.set_fragment(None);
        let host = url.host_str().unwrap_or_default().to_owned();
        let base = url.as_str().trim_end_matches('/');
        let base = base.strip_suffix("/chat/completions").unwrap_or(base).trim_end_matches('/');
        let is_azure = AZURE.iter().any(|domain| host.ends_with(domain));
        let (base, form) = if let Some((before, deployment)) = format!("{base}/").split_once(DEPLOYMENTS) {
            let deployment = deployment.trim_end_matches('/');
            if deployment.is_empty() || !query.as_ref().is_some_and(|query| query.contains("api-version=")) {
                return None;
            }
            (format!("{before}/openai"), Form::Deployment(deployment.to_owned()))
        } else if is_azure && url.path() == "/" {
            // The portal shows a resource in this form.
            (format!("{base}/openai/v1"), Form::AzureV1)
        } else {
            (base.to_owned(), if is_azure { Form::AzureV1 } else { Form::OpenAi })
        };
        let mut url = Url::parse(&base).ok()?;
        url.set_query(query.as_deref());
        Some(Self { base, url, form, is_openai: host == "api.openai.com" })
    }

    /// Returns the URL for people to read.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether this is OpenAI's own server, which accepts every field that its reference lists. Other servers refuse
    /// fields that they do not know.
    pub(super) fn is_openai(&self) -> bool {
        self.is_openai
    }

    /// Whether this is a server that can block one person by a pseudonym instead of the whole account: OpenAI's own, or
    /// Azure.
    pub(super) fn blocks_persons(&self) -> bool {
        self.is_openai || self.form != Form::OpenAi
    }

    /// Returns the company that runs the server, for people; `None` if it is known to the operator alone.
    pub(crate) fn owner(&self) -> Option<&'static str> {
        match self.form {
            Form::OpenAi => self.is_openai.then_some("OpenAI"),
            Form::AzureV1 | Form::Deployment(_) => Some("Microsoft (Azure OpenAI)"),
        }
    }

    /// Returns the endpoint of another model on the same server. In Azure's older form this is another deployment.
    pub(super) fn of_model(&self, model: &str) -> Self {
        let form = match &self.form {
            Form::Deployment(_) => Form::Deployment(model.to_owned()),
            other => other.clone(),
        };
        Self { form, ..self.clone() }
    }

    /// Builds a request with a question to the model.
    pub fn completions(&self, http: &Client, key: &SecretString) -> RequestBuilder {
        let path = match &self.form {
            Form::Deployment(name) => format!("/deployments/{name}/chat/completions"),
            _ => "/chat/completions".to_owned(),
        };
        self.signed(http.post(self.url(&path)), key)
    }

    /// Builds a request to transcribe a recording with `model`, which on Azure is a deployment of the same resource.
    pub fn transcriptions(&self, http: &Client, key: &SecretString, model: &str) -> RequestBuilder {
        let path = match &self.form {
            Form::Deployment(_) => format!("/deployments/{model}/audio/transcriptions"),
            _ => "/audio/transcriptions".to_owned(),
        };
        self.signed(http.post(self.url(&path)), key)
    }

    /// Builds a request for the list of models. A success shows that the key is accepted.
    pub fn models(&self, http: &Client, key: &SecretString) -> RequestBuilder {
        self.signed(http.get(self.url("/models")), key)
    }

    /// Builds a request for what LiteLLM's proxy knows of its models.
    pub(super) fn model_info(&self, http: &Client, key: &SecretString) -> RequestBuilder {
        self.signed(http.get(self.url("/model/info")), key)
    }

    /// Builds a request for what llama.cpp's server says of itself. Its path is not below `/v1`.
    pub(super) fn props(&self, http: &Client, key: &SecretString) -> RequestBuilder {
        let root = self.base.strip_suffix("/v1").unwrap_or(&self.base);
        self.signed(http.get(format!("{root}/props")), key)
    }

    /// Builds a request that costs nothing. Only a server without this model answers it with 404. Azure lists models
    /// and not deployments, so there it is a question without a message, which a deployment refuses with 400.
    pub fn look_up(&self, http: &Client, key: &SecretString, model: &str) -> RequestBuilder {
        if self.form == Form::OpenAi {
            return self.signed(http.get(self.url(&format!("/models/{model}"))), key);
        }
        let body = serde_json::json!({ "model": model, "messages": [] }).to_string();
        self.completions(http, key).header("content-type", "application/json").body(body)
    }

    /// Builds the request of [`Self::look_up`] for the transcription model: on Azure it has no recording.
    pub fn look_up_transcription(&self, http: &Client, key: &SecretString, model: &str) -> RequestBuilder {
        if self.form == Form::OpenAi {
            return self.look_up(http, key, model);
        }
        self.transcriptions(http, key, model)
            .multipart(multipart::Form::new().text("model", model.to_owned()))
    }

    /// Returns the deployment that answers for this model on Azure; `None` on other servers.
    pub fn deployment<'a>(&'a self, model: &'a str) -> Option<&'a str> {
        match &self.form {
            Form::OpenAi => None,
            Form::AzureV1 => Some(model),
            Form::Deployment(name) => Some(name),
        }
    }

    fn url(&self, path: &str) -> Url {
        below(&self.url, path)
    }

    fn signed(&self, request: RequestBuilder, key: &SecretString) -> RequestBuilder {
        if self.form == Form::OpenAi {
            return request.bearer_auth(key.expose_secret());
        }
        let mut header = HeaderMap::new();
        // As with `bearer_auth`, a request that is printed does not show the key.
        if let Ok(mut key) = HeaderValue::from_str(key.expose_secret()) {
            key.set_sensitive(true);
            header.insert("api-key", key);
        }
        request.headers(header)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn asked(url: &str) -> [String; 4] {
        let endpoint = Endpoint::from_env(&Env::of([(NAME.to_owned(), url.to_owned())])).unwrap();
        let (http, key) = (crate::adapters::http::client().unwrap(), "k".to_owned().into());
        let requests = [
            endpoint.completions(&http, &key),
            endpoint.transcriptions(&http, &key, "ears"),
            endpoint.models(&http, &key),
            endpoint.look_up(&http, &key, "m"),
        ];
        requests.map(|request| {
            let request = request.build().unwrap();
            let header =
                ["authorization", "api-key"].into_iter().find(|name| request.headers().contains_key(*name));
            format!("{} {} {}", header.unwrap(), request.method(), request.url())
        })
    }

    #[test]
    fn each_form_has_its_addresses_and_its_header() {
        let openai = |base: &str| {
            [
                format!("authorization POST {base}/chat/completions"),
                format!("authorization POST {base}/audio/transcriptions"),
                format!("authorization GET {base}/models"),
                format!("authorization GET {base}/models/m"),
            ]
        };
        assert_eq!(asked(""), openai("https://api.openai.com/v1"));
        assert_eq!(asked("http://127.0.0.1:11434/v1/"), openai("http://127.0.0.1:11434/v1"));
        assert_eq!(asked("https://gate.example/v1/chat/completions"), openai("https://gate.example/v1"));

        let base = "https://r.openai.azure.com/openai/v1";
        let v1 = [
            format!("api-key POST {base}/chat/completions"),
            format!("api-key POST {base}/audio/transcriptions"),
            format!("api-key GET {base}/models"),
            format!("api-key POST {base}/chat/completions"),
        ];
        for url in ["https://r.openai.azure.com/", base, "https://r.openai.azure.com/openai/v1/"] {
            assert_eq!(asked(url), v1, "{url}");
        }

        let base = "https://r.openai.azure.com/openai";
        let older = [
            format!("api-key POST {base}/deployments/mine/chat/completions?api-version=2024-10-21"),
            format!("api-key POST {base}/deployments/ears/audio/transcriptions?api-version=2024-10-21"),
            format!("api-key GET {base}/models?api-version=2024-10-21"),
            format!("api-key POST {base}/deployments/mine/chat/completions?api-version=2024-10-21"),
        ];
        for path in ["deployments/mine/chat/completions", "deployments/mine", "deployments/mine/"] {
            assert_eq!(asked(&format!("{base}/{path}?api-version=2024-10-21")), older, "{path}");
        }
    }

    #[test]
    fn a_deployment_without_its_version_is_named_at_the_start() {
        for url in [
            "https://r.openai.azure.com/openai/deployments/mine",
            "http://x/openai/deployments/?api-version=1",
        ] {
            let error = Endpoint::from_env(&Env::of([(NAME.to_owned(), url.to_owned())])).unwrap_err();
            assert!(error.to_string().contains("api-version"), "{error}");
        }
    }

    #[test]
    fn a_request_that_is_printed_does_not_show_its_key() {
        let (http, key) = (crate::adapters::http::client().unwrap(), "sk-secret".to_owned().into());
        for url in ["https://api.openai.com/v1", "https://r.openai.azure.com/"] {
            let request =
                Endpoint::of(url.parse().unwrap()).unwrap().completions(&http, &key).build().unwrap();
            let sent = request.headers().values().any(|value| value.as_bytes().ends_with(b"sk-secret"));
            assert!(sent && !format!("{request:?}").contains("sk-secret"), "{request:?}");
        }
    }

    #[test]
    fn only_openai_itself_is_taken_for_it() {
        let is_openai = |url: &str| Endpoint::of(url.parse().unwrap()).unwrap().is_openai();
        assert!(is_openai("https://api.openai.com/v1"));
        for other in [
            "https://r.openai.azure.com/openai/v1",
            "https://api.groq.com/openai/v1",
            "http://api.openai.com.example/v1",
        ] {
            assert!(!is_openai(other), "{other}");
        }
    }

    #[test]
    fn a_name_that_only_looks_like_azures_gets_no_other_header() {
        let [chat, ..] = asked("https://azure.com.example/v1");
        assert_eq!(chat, "authorization POST https://azure.com.example/v1/chat/completions");
    }
}
