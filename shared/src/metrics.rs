//! Metrics, which are made of the log's own lines. One table defines which line makes which metric. A Lambda function
//! writes them in CloudWatch's embedded metric format beside its log; `henji serve` adds them up for `GET /metrics`.
//! Metrics have names and reasons only, never an id, because each series costs money. The user's id is written beside a
//! metric, where CloudWatch Logs Insights can add the values up by user.

use std::fmt::Debug;

use serde_json::Value;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use crate::{
    env::{Env, EnvError},
    prices::{Prices, Tokens},
};

mod embedded;
mod rules;
mod totals;

use rules::{MetricValue, RULES};

pub use totals::prometheus;

/// A layer that makes metrics of log lines.
pub struct Metrics {
    sink: Sink,
    prices: Option<Prices>,
}

enum Sink {
    /// Separate lines on stdout, with this namespace.
    Embedded(String),
    /// Sums in this process.
    Totals,
}

impl Metrics {
    /// Returns the metrics of a function; `None` if `METRICS_NAMESPACE` does not name their namespace.
    pub fn embedded(env: &Env) -> Result<Option<Self>, EnvError> {
        let Some(namespace) = env.optional("METRICS_NAMESPACE")? else { return Ok(None) };
        Ok(Some(Self { sink: Sink::Embedded(namespace.to_owned()), prices: Prices::from_env(env)? }))
    }

    /// Returns the metrics of a process that sums them itself, for [`prometheus`].
    pub fn totals(env: &Env) -> Result<Option<Self>, EnvError> {
        Ok(Some(Self { sink: Sink::Totals, prices: Prices::from_env(env)? }))
    }

    fn value(&self, made: MetricValue, fields: &Fields) -> Option<f64> {
        match made {
            MetricValue::Count => Some(1.0),
            MetricValue::ModelFault => {
                let reason = fields.text("reason")?;
                (reason.starts_with("model_") && reason != "model_refused").then_some(1.0)
            }
            MetricValue::StorageFault => (fields.text("reason")? == "storage_failed").then_some(1.0),
            MetricValue::Actionable => (fields.text("reason")? != "model_refused").then_some(1.0),
            MetricValue::Flag(field) => fields.get(field)?.as_bool()?.then_some(1.0),
            MetricValue::Amount(field) | MetricValue::Millis(field) | MetricValue::Level(field) => {
                fields.number(field)
            }
            MetricValue::Cost => {
                let count = |name| fields.get(name).and_then(Value::as_u64);
                let tokens = Tokens {
                    prompt: count("prompt_tokens")?,
                    cached: count("cached_tokens").unwrap_or(0),
                    cache_written: count("cache_written_tokens").unwrap_or(0),
                    completion: count("completion_tokens")?,
                };
                Some(self.prices?.usd(tokens))
            }
        }
    }
}

impl<S: Subscriber> Layer<S> for Metrics {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for rule in RULES.iter().filter(|rule| rule.kind.as_str() == fields.kind) {
            let Some(value) = self.value(rule.value, &fields) else { continue };
            let by = match rule.by {
                None => None,
                Some(field) => match fields.word(field) {
                    Some(word) => Some((field, word)),
                    None => continue,
                },
            };
            match &self.sink {
                Sink::Embedded(namespace) => embedded::write(namespace, rule, value, by, fields.text("user")),
                Sink::Totals => totals::add(rule, value, by),
            }
        }
    }
}

/// The fields of a log line.
#[derive(Default)]
struct Fields {
    kind: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        self.others.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// Returns the value of a field, a text or a number, as a word.
    fn word(&self, name: &str) -> Option<String> {
        let value = self.get(name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "kind" => value.clone_into(&mut self.kind),
            name => self.others.push((name, value.into())),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.push((field.name(), value.into()));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::event::log;

    #[test]
    fn the_answers_of_the_fallback_model_are_counted_among_all() {
        let metrics = Metrics { sink: Sink::Totals, prices: None };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(metrics), || {
            for fallback in [true, false, true] {
                log!(info, ModelAnswered, fallback = fallback, prompt_tokens = 10_u64, "the model answered");
            }
        });
        let totals = prometheus(&[], &[]);
        for line in ["henji_fallback_answers_total 2", "henji_prompt_tokens_total 30"] {
            assert!(totals.lines().any(|it| it == line), "{totals}");
        }
    }

    #[test]
    fn a_reason_says_whose_fault_it_was_and_whether_an_operator_is_to_act() {
        let metrics = Metrics { sink: Sink::Totals, prices: None };
        for (reason, model, storage, actionable) in [
            ("model_unavailable", true, false, true),
            ("model_refused", false, false, false),
            ("storage_failed", false, true, true),
            ("line_quota", false, false, true),
            ("job_unreadable", false, false, true),
        ] {
            let fields = Fields { others: vec![("reason", reason.into())], ..Fields::default() };
            let counts = |made| metrics.value(made, &fields).is_some();
            assert_eq!(
                (
                    counts(MetricValue::ModelFault),
                    counts(MetricValue::StorageFault),
                    counts(MetricValue::Actionable)
                ),
                (model, storage, actionable),
                "{reason}"
            );
        }
    }
}
